-- Searching stops earlier and sees past spaces; a profile's use is read past row-level security once it is known to be seen.

-- Spaces and punctuation in an address part it no more than a character does.
-- A folded text as the words that search compares, one space apart; the runs of Chinese characters in it in pinyin and by initials;
-- `as_name` is the pinyin with the first character read as the surname that it is.
create or replace function search_keys(folded text, out words text, out pinyin text, out as_name text, out initials text)
language plpgsql stable strict parallel safe as $$
begin
    if octet_length(folded) = length(folded) then
        words := btrim(regexp_replace(folded, ' +', ' ', 'g'));
        return;
    end if;
    select string_agg(case when octet_length(ch) = 1 then ch else ' ' || coalesce(h.code, search_code(ch)) || ' ' end, '' order by n),
        string_agg(coalesce(h.pinyin, ' '), '' order by n),
        string_agg(coalesce(case when n = 1 then h.as_surname end, h.pinyin, ' '), '' order by n),
        string_agg(coalesce(left(h.pinyin, 1), ' '), '' order by n)
    into words, pinyin, as_name, initials
    from string_to_table(folded, null) with ordinality t (ch, n)
    left join lateral (select * from hanzi where character = t.ch offset 0) h on true;  -- offset 0: by index, always
    words := btrim(regexp_replace(words, ' +', ' ', 'g'));
    pinyin := btrim(regexp_replace(pinyin, ' +', ' ', 'g'));
    as_name := btrim(regexp_replace(as_name, ' +', ' ', 'g'));
    initials := btrim(regexp_replace(initials, ' +', ' ', 'g'));
end $$;
update customer set search_name = null, search_address = null;

-- The condition that a key holds these words. The index is asked for four of them only, the last ones that are not in
-- nearly every address or firm's name: reading the long lists of those costs more than looking at the rows.
create or replace function search_holds(key text, words text) returns text language sql immutable strict parallel safe as $$
    select format('(%1$s like %2$L and strpos(%1$s, %3$L) > 0)', key,
        '%' || array_to_string((case when rare = '{}' then every else rare end)[greatest(1, cardinality(rare) - 3):], '%') || '%', words)
    from (select every, array(select case when length(w) > 2 then w else ' ' || w || ' ' end from unnest(every) with ordinality t (w, n)
            where w <> all (common) and (length(w) > 2 or (n > 1 and n < cardinality(every))) order by n) as rare
        from (select regexp_split_to_array(words, ' +') as every,
            array(select search_code(c) from string_to_table('省市区县镇乡村路街道大巷弄号栋幢座单元层楼室有限公司', null) c) as common) s) w
$$;

-- squawk-ignore ban-drop-function
drop function customer_probes;

-- The queries that look for customers, the surest first, for who asks. Each is served by an index and reads few rows:
-- what is meant exactly, then what begins so, then what holds it, then what sounds or is spelt nearly so. One is asked
-- only where those before it found fewer than `fewer`.
create function customer_probes(asked text, most int) returns table (matched text, fewer int, query text)
language plpgsql stable set search_path = public, pg_temp as $$
declare
    bare text := lower(btrim(normalize(left(asked, 100), NFKC)));
    folded text := btrim(regexp_replace(search_fold(left(asked, 100)), ' +', ' ', 'g'));
    terms text[] := (string_to_array(folded, ' '))[:5];
    latin boolean := folded !~ '[^a-z0-9 ]';
    digits text := case when bare ~ '^[0-9+()/ -]+$' then search_phone(bare) else '' end;
    seen text := 'true';
    k record;
    term text;
    likes text[] := '{}';
    in_name text[] := '{}';
    either text[] := '{}';
    narrow boolean := false;
    near text[];
begin
    if folded = '' and bare = '' then
        return;
    end if;
    if not headwater_sees_all() then
        seen := format('(c.manager_id = %s or c.account_no = any (%L::text[]))', coalesce(headwater_staff(), 0),
            array(select headwater_ticket_accounts()));
    end if;
    fewer := most;
    matched := 'account_no';
    query := format('select c.account_no, c.account_no as value, case lower(c.account_no) when %1$L then 1 else 0.9 end as score'
        ' from customer c where lower(c.account_no) ~>=~ %1$L and lower(c.account_no) ~<~ %2$L and %3$s'
        ' order by lower(c.account_no) using ~<~ limit %4$s', bare, bare || chr(1114111), seen, most);
    return next;
    query := format('select c.account_no, a.alias as value, case lower(a.alias) when %1$L then 0.99 else 0.89 end as score'
        ' from customer_alias a join customer c using (account_no)'
        ' where lower(a.alias) ~>=~ %1$L and lower(a.alias) ~<~ %2$L and %3$s'
        ' order by lower(a.alias) using ~<~ limit %4$s', bare, bare || chr(1114111), seen, most);
    return next;
    if length(bare) >= 4 and bare ~ '[0-9]' then
        matched := 'meter';
        query := format('select c.account_no, m.serial as value, m.score from ('
            '(select id, serial, case lower(serial) when %1$L then 0.99 else 0.88 end as score from meter'
            ' where lower(serial) ~>=~ %1$L and lower(serial) ~<~ %2$L order by lower(serial) using ~<~ limit %7$s)'
            ' union all (select id, serial, 0.87 from meter where reverse(lower(serial)) ~>=~ %5$L'
            ' and reverse(lower(serial)) ~<~ %6$L order by reverse(lower(serial)) using ~<~ limit %7$s)) m'
            ' join meter_installation i on i.meter_id = m.id join service_point p on p.id = i.service_point_id'
            ' join customer c on c.account_no = p.account_no where %3$s'
            ' order by m.score desc, m.serial, i.removed_at desc limit %4$s',
            bare, bare || chr(1114111), seen, most, reverse(bare), reverse(bare) || chr(1114111),
            case seen when 'true' then most else 500 end);
        return next;
    end if;
    if length(digits) >= 4 then
        matched := 'phone';
        query := format('select c.account_no, c.phone as value, case c.search_phone when %1$L then 0.98 else 0.86 end as score'
            ' from customer c where c.search_phone ~>=~ %1$L and c.search_phone ~<~ %2$L and %3$s'
            ' order by c.search_phone using ~<~ limit %4$s', digits, digits || 'a', seen, most);
        return next;
        query := format('select c.account_no, c.phone as value, 0.85 as score from customer c'
            ' where reverse(c.search_phone) ~>=~ %1$L and reverse(c.search_phone) ~<~ %2$L and %3$s'
            ' order by reverse(c.search_phone) using ~<~ limit %4$s', reverse(digits), reverse(digits) || 'a', seen, most);
        return next;
    end if;
    if position('@' in bare) > 1 then
        matched := 'email';
        query := format('select c.account_no, c.email as value, case lower(c.email) when %1$L then 0.98 else 0.86 end as score'
            ' from customer c where lower(c.email) ~>=~ %1$L and lower(c.email) ~<~ %2$L and %3$s'
            ' order by lower(c.email) using ~<~ limit %4$s', bare, bare || chr(1114111), seen, most);
        return next;
    end if;
    matched := 'name';
    query := format('select c.account_no, c.name as value, case c.name_key when %1$L then 0.97 else 0.84 end as score'
        ' from customer c where c.name_key ~>=~ %1$L and c.name_key ~<~ %2$L and %3$s'
        ' order by c.name_key using ~<~ limit %4$s', bare, bare || chr(1114111), seen, most);
    return next;
    if length(folded) < 2 and latin then
        return;
    end if;
    if latin then
        query := format('select c.account_no, c.name as value, 0.83 as score from customer c'
            ' where c.search_names @> %L::text[] and %s limit %s', terms, seen, most);
        return next;
        term := replace(folded, ' ', '');
        query := format('select c.account_no, c.name as value, case c.search_names[1] when %1$L then 0.82 else 0.75 end as score'
            ' from customer c where c.search_names[1] ~>=~ %1$L and c.search_names[1] ~<~ %2$L and %3$s'
            ' order by c.search_names[1] using ~<~ limit %4$s', term, term || '{', seen, most);
        return next;
    end if;
    foreach term in array terms loop
        k := search_keys(term);
        in_name := in_name || search_holds('c.search_name', btrim(k.words));
        likes := likes || search_holds('c.search_address', btrim(k.words));
        narrow := narrow or length(term) > 2 or (length(term) = 2 and term !~ '[a-z0-9]');
    end loop;
    if narrow or not latin then
        fewer := case when latin and cardinality(terms) = 1 then 1 else most end;
        query := format('select c.account_no, c.name as value, 0.6 + 0.1 * least(1, %s / length(c.name)::float8) as score'
            ' from (select * from customer c where %s and %s limit 300) c order by score desc, c.account_no limit %s',
            length(folded), array_to_string(in_name, ' and '), seen, most);
        return next;
    end if;
    fewer := most;
    if cardinality(terms) = 1 and not latin and length(folded) > 1 then
        k := search_keys(folded);
        query := format('select c.account_no, c.name as value, 0.58 as score from customer c'
            ' where c.search_names @> array[%L] and %s limit %s', btrim(k.as_name), seen, most);
        return next;
    end if;
    if narrow then
        either := array(select format('(%s or %s)', in_name[i], likes[i]) from generate_subscripts(likes, 1) i);
        if cardinality(terms) = 1 then
            matched := 'address';
            either := likes;
        else
            matched := 'name and address';
        end if;
        query := format('select c.account_no, case when cardinality(%L::text[]) = 1 then c.address else concat_ws('', '', c.name, c.address) end as value,'
            ' 0.5 + 0.05 * (%s) as score from (select * from customer c where %s and %s limit 300) c'
            ' order by score desc, c.account_no limit %s',
            terms, array_to_string(array(select format('(%s)::int', n) from unnest(in_name) n), ' + '),
            array_to_string(either, ' and '), seen, most);
        return next;
    end if;
    matched := 'similar name';
    fewer := 5;
    if cardinality(terms) = 1 and folded !~ '[a-z0-9]' and length(folded) between 3 and 12 then
        near := array(select '%' || concat_ws(' ', nullif((search_keys(left(folded, i - 1))).words, ''), '___',
            nullif((search_keys(substr(folded, i + 1))).words, '')) || '%' from generate_series(1, length(folded)) i);
        if length(folded) < 6 then
            near := array(select format('(c.search_name like %L and c.search_name like %L)', regexp_replace(one, '[ _%]+', '%', 'g'), one)
                from unnest(near) one);
        else  -- one wrong character leaves one half whole
            near := array[format('((%s or %s) and c.search_name || '''' like any (%L))',
                search_holds('c.search_name', btrim((search_keys(left(folded, length(folded) / 2))).words)),
                search_holds('c.search_name', btrim((search_keys(substr(folded, length(folded) / 2 + 1))).words)), near)];
        end if;
        near := near || format('c.search_name like %L', '%' || regexp_replace(btrim(k.words), ' +', '%', 'g') || '%');
    else
        near := array(select format('(c.search_names && %L::text[]%s)', search_variants(terms[i]),
                (select string_agg(' and ' || format('(%s or %s)', in_name[j], likes[j]), '') from generate_subscripts(terms, 1) j where j <> i))
            from generate_subscripts(terms, 1) i where terms[i] ~ '^[a-z]{5,16}$');
    end if;
    if cardinality(near) > 0 then
        query := format('select c.account_no, c.name as value, 0.3 + 0.2 * similarity(c.search_name, %L) as score'
            ' from (select *, row_number() over (partition by name order by account_no) as turn'
            ' from (select * from customer c where (%s) and %s limit 1000) c) c'
            ' order by turn, score desc, c.account_no limit %s',
            case when latin then folded else k.words || ' ' || k.pinyin end, array_to_string(near, ' or '), seen, most);
        return next;
    end if;
end $$;

-- Row-level security would bar the indexes (their operators are not leakproof), so this reads with its owner's rights
-- and says itself what the asker sees, as the policy customer_api does.
create or replace function find_customers(asked text, most int) returns table (account_no text, matched text, value text, score float8)
language plpgsql stable security definer rows 50 set search_path = public, pg_temp
set jit = off set enable_seqscan = off as $$
declare
    probe record;
    hit record;
    found text[] := '{}';
    sure boolean := false;
begin
    for probe in select * from customer_probes(asked, most) loop
        continue when cardinality(found) >= probe.fewer or (probe.matched = 'similar name' and sure);
        for hit in execute format('select account_no, value, score::float8 as score from (%s) probe', probe.query) loop
            continue when hit.account_no = any (found);
            found := found || hit.account_no;
            account_no := hit.account_no;
            matched := probe.matched;
            value := hit.value;
            score := hit.score;
            sure := sure or score > 0.95;
            return next;
        end loop;
    end loop;
end $$;
revoke execute on function customer_probes, find_customers from public;
grant execute on function find_customers to headwater_api;

-- What a customer used by day of a zone: who asks is checked once and not for every hour.
create function customer_days(account text, zone text, since timestamptz, until timestamptz)
returns table (day date, volume_l float8)
language sql stable security definer set search_path = public, pg_temp as $$
    select (slot at time zone zone)::date, sum(used_l) from (
        select u.slot, sum(u.volume_l) as used_l
        from service_point p
        join meter_installation i on i.service_point_id = p.id
        join meter m on m.id = i.meter_id and m.kind = 'customer'
        join usage_hourly u on u.meter_id = i.meter_id and u.slot >= since and u.slot < until
            and u.slot >= i.installed_at and u.slot < i.removed_at
        where p.account_no = account and exists (select from customer c where c.account_no = account
            and (headwater_sees_all() or c.manager_id = headwater_staff()
                or c.account_no in (select headwater_ticket_accounts())))
        group by 1) hours
    group by 1
$$;
revoke execute on function customer_days from public;
grant execute on function customer_days to headwater_api;
