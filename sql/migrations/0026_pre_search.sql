-- Who is meant? Customers by name, account number, address, phone, e-mail or meter, in Chinese, pinyin or Latin.
-- Trigrams exist of ASCII letters alone where the server's locale is C, so keys are ASCII: a Chinese character is a
-- word of three letters or digits, and each run of them is there in pinyin, too.

create extension if not exists pg_trgm;

create table customer_alias (
    alias text primary key,
    account_no text not null references customer on update cascade,
    at timestamptz not null,
    actor text not null,
    why text not null
);
comment on table customer_alias is 'account numbers of records that were merged into another';
create index customer_alias_account_idx on customer_alias (account_no);
-- squawk-ignore require-concurrent-index-creation
create index customer_alias_prefix_idx on customer_alias (lower(alias) text_pattern_ops);
alter table customer_alias enable row level security;
create policy customer_alias_api on customer_alias for all to headwater_api using ((select headwater_sees_all())
    or exists (select from customer c where c.account_no = customer_alias.account_no));
create policy customer_alias_service on customer_alias for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
grant select, insert on customer_alias to headwater_api;

-- Lower case, half width, no accents, spaces for punctuation.
create function search_fold(given text) returns text language sql immutable strict parallel safe
    return translate(regexp_replace(normalize(lower(normalize(given, NFKC)), NFKD), '[\u0300-\u036f]', '', 'g'),
        'øłđßæœı!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', 'oldsaoi                                ');

-- A folded text as the words that search compares, the runs of Chinese characters in it in pinyin and by initials;
-- `as_name` is the pinyin with the first character read as the surname that it is.
create function search_keys(folded text, out words text, out pinyin text, out as_name text, out initials text)
language plpgsql stable strict parallel safe as $$
begin
    if octet_length(folded) = length(folded) then
        words := folded;
        return;
    end if;
    select string_agg(case when octet_length(ch) = 1 then ch else ' ' || coalesce(h.code, search_code(ch)) || ' ' end, '' order by n),
        string_agg(coalesce(h.pinyin, ' '), '' order by n),
        string_agg(coalesce(case when n = 1 then h.as_surname end, h.pinyin, ' '), '' order by n),
        string_agg(coalesce(left(h.pinyin, 1), ' '), '' order by n)
    into words, pinyin, as_name, initials
    from string_to_table(folded, null) with ordinality t (ch, n)
    left join lateral (select * from hanzi where character = t.ch offset 0) h on true;  -- offset 0: by index, always
end $$;

-- Digits as they are dialled at home: without the country's code of China and the trunk's zero.
create function search_phone(given text) returns text language sql immutable strict parallel safe
    return regexp_replace(regexp_replace(normalize(given, NFKC), '[^0-9]', '', 'g'), '^((00)?86(?=\d{9})|0)?0*', '');

alter table customer
    add column search_name text,
    add column search_names text[],
    add column search_address text,
    add column search_phone text;
comment on column customer.search_name is 'the name as search compares it; made by a trigger, like the other three';
comment on column customer.search_names is 'pinyin and initials of the name, and its Latin words';
alter table customer alter column search_name set statistics 500, alter column search_address set statistics 500;

create function customer_search_key() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    folded text;
    k record;
begin
    if tg_op = 'INSERT' or new.phone is distinct from old.phone or new.search_name is null then
        new.search_phone := nullif(search_phone(new.phone), '');
    end if;
    if tg_op = 'INSERT' or new.name is distinct from old.name or new.search_name is null then
        folded := search_fold(new.name);
        k := search_keys(folded);
        new.search_name := concat_ws(' ', k.words, k.as_name, k.initials);
        new.search_names := array_remove(string_to_array(concat_ws(' ', k.as_name, k.initials,
            case when k.pinyin is null then folded else regexp_replace(folded, '[^a-z0-9]+', ' ', 'g') end,
            case when k.pinyin <> k.as_name and length(folded) between 2 and 4 then k.pinyin end), ' '), '');
    end if;
    if tg_op = 'INSERT' or new.address is distinct from old.address or new.search_address is null then
        k := search_keys(search_fold(concat_ws(' ; ', new.address, (select string_agg(distinct p.address, ' ; ')
            from service_point p where p.account_no = new.account_no and p.address <> coalesce(new.address, '')))));
        new.search_address := concat_ws(' ', k.words, k.pinyin);
    end if;
    return new;
end $$;

create trigger customer_search_key before insert or update of name, address, phone, search_name, search_address on customer
    for each row execute function customer_search_key();

-- The address of a place is its customer's, too.
create function service_point_search_key() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update customer set search_address = null
    where account_no in (new.account_no, case when tg_op = 'UPDATE' then old.account_no end);
    return null;
end $$;
create trigger service_point_search_key_new after insert on service_point
    for each row when (new.address is not null) execute function service_point_search_key();
create trigger service_point_search_key after update of address, account_no on service_point
    for each row when ((new.address, new.account_no) is distinct from (old.address, old.account_no)
        and (new.address is not null or old.address is not null)) execute function service_point_search_key();

update customer set search_name = null, search_address = null;

-- squawk-ignore require-concurrent-index-creation
create index customer_search_name_idx on customer using gin (search_name gin_trgm_ops);
-- squawk-ignore require-concurrent-index-creation
create index customer_search_names_idx on customer using gin (search_names);
-- squawk-ignore require-concurrent-index-creation
create index customer_search_first_idx on customer ((search_names[1]) text_pattern_ops);
-- squawk-ignore require-concurrent-index-creation
create index customer_search_address_idx on customer using gin (search_address gin_trgm_ops);
-- squawk-ignore require-concurrent-index-creation
create index customer_search_phone_idx on customer (search_phone text_pattern_ops) where search_phone is not null;
-- squawk-ignore require-concurrent-index-creation
create index customer_search_phone_end_idx on customer (reverse(search_phone) text_pattern_ops) where search_phone is not null;
-- squawk-ignore require-concurrent-index-creation
create index customer_search_email_idx on customer (lower(email) text_pattern_ops) where email is not null;
-- squawk-ignore require-concurrent-index-creation
create index customer_search_account_idx on customer (lower(account_no) text_pattern_ops);
-- squawk-ignore require-concurrent-index-creation
create index meter_search_serial_idx on meter (lower(serial) text_pattern_ops);
-- squawk-ignore require-concurrent-index-creation
create index meter_search_serial_end_idx on meter (reverse(lower(serial)) text_pattern_ops);

-- Every word that is one letter away: one too many, too few, wrong, or two swapped.
create function search_variants(word text) returns text[] language sql immutable strict parallel safe as $$
    select array_agg(distinct v) from (
        select left(word, i) || chr(c) || substr(word, i + 1) from generate_series(0, length(word)) i, generate_series(97, 122) c
        union all
        select left(word, i - 1) || chr(c) || substr(word, i + 1) from generate_series(1, length(word)) i, generate_series(97, 122) c
        union all
        select left(word, i - 1) || substr(word, i + 1) from generate_series(1, length(word)) i
        union all
        select left(word, i - 1) || substr(word, i + 1, 1) || substr(word, i, 1) || substr(word, i + 2)
        from generate_series(1, length(word) - 1) i) t (v)
$$;

-- The condition that a key holds these words. The index is asked for four of them only, the last ones that are not in
-- nearly every address or firm's name: reading the long lists of those costs more than looking at the rows.
create function search_holds(key text, words text) returns text language sql immutable strict parallel safe as $$
    select format('(%1$s like %2$L and strpos(%1$s, %3$L) > 0)', key,
        '%' || array_to_string((case when rare = '{}' then every else rare end)[greatest(1, cardinality(rare) - 3):], '%') || '%', words)
    from (select every, array(select w from unnest(every) with ordinality t (w, n) where w <> all (common) and length(w) > 2 order by n) as rare
        from (select regexp_split_to_array(words, ' +') as every,
            array(select search_code(c) from string_to_table('省市区县镇乡村路街道大巷弄号栋幢座单元层楼室有限公司', null) c) as common) s) w
$$;

-- The queries that look for customers, the surest first, for who asks. Each is served by an index and reads few rows:
-- what is meant exactly, then what begins so, then what holds it, then what sounds or is spelt nearly so.
create function customer_probes(asked text, most int) returns table (matched text, query text)
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
        query := format('select c.account_no, c.name as value, 0.6 + 0.1 * least(1, %s / length(c.name)::float8) as score'
            ' from (select * from customer c where %s and %s limit 300) c order by score desc, c.account_no limit %s',
            length(folded), array_to_string(in_name, ' and '), seen, most);
        return next;
    end if;
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
    if cardinality(terms) = 1 and folded !~ '[a-z0-9]' and length(folded) between 3 and 12 then
        near := array(select '%' || btrim((search_keys(left(folded, i - 1))).words || ' ___ '
            || coalesce((search_keys(substr(folded, i + 1))).words, '')) || '%' from generate_series(1, length(folded)) i);
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
create function find_customers(asked text, most int) returns table (account_no text, matched text, value text, score float8)
language plpgsql stable security definer rows 50 set search_path = public, pg_temp
set jit = off set enable_seqscan = off as $$
declare
    probe record;
    hit record;
    found text[] := '{}';
    sure boolean := false;
begin
    for probe in select * from customer_probes(asked, most) loop
        exit when cardinality(found) >= most or (probe.matched = 'similar name' and (sure or cardinality(found) >= 5));
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
revoke execute on function customer_probes, find_customers, search_variants, search_holds, search_keys from public;
grant execute on function find_customers to headwater_api;

