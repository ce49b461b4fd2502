-- Two records of one customer: everything of the duplicate goes on under the other, and can be given back.

-- What was told of a record stays with the number that it was told of, when the record itself is gone.
-- squawk-ignore ban-drop-constraint
alter table customer_change drop constraint customer_change_account_no_fkey;
-- squawk-ignore ban-drop-constraint
alter table segment_change drop constraint segment_change_account_no_fkey;
-- squawk-ignore ban-drop-constraint
alter table outage_entry drop constraint outage_entry_account_no_fkey;
alter policy customer_change_api on customer_change using ((select headwater_sees_all())
    or exists (select from customer c where c.account_no = customer_change.account_no)
    or exists (select from customer_alias a where a.alias = customer_change.account_no));

create table customer_merge (
    id bigint generated always as identity primary key,
    account_no text not null,
    into_no text not null,
    version int not null,
    at timestamptz not null,
    actor text not null,
    why text not null,
    record jsonb not null,
    moved jsonb not null,
    kept jsonb not null,
    undone_at timestamptz,
    undone_by text,
    undone_why text,
    check ((undone_at is null) = (undone_by is null))
);
comment on column customer_merge.version is 'of the record that goes on, after the merge';
comment on column customer_merge.record is 'the duplicate as it was';
comment on column customer_merge.moved is 'by table, the keys of what went on under the other number';
comment on column customer_merge.kept is 'by table, rows that the other record had already; what was summed or closed, as it was';
create unique index customer_merge_account_idx on customer_merge (account_no) where undone_at is null;
create index customer_merge_into_idx on customer_merge (into_no);
alter table customer_merge enable row level security;
create policy customer_merge_api on customer_merge for all to headwater_api using ((select headwater_sees_all())
    or exists (select from customer c where c.account_no = customer_merge.into_no));
grant select on customer_merge to headwater_api;

-- What belongs to a customer, by what its rows are told apart; `single` where the number is part of that.
create function customer_holdings() returns table (holding text, key text, single boolean) language sql immutable as $$
    values ('service_point', 'id', false), ('ticket', 'id', false), ('survey', 'id', false), ('outbox', 'id', false),
        ('event', 'id', false), ('visit', 'id', false), ('contact_check', 'id', false), ('customer_alias', 'alias', false),
        ('outage_customer', 'outage_id', true), ('water_plan', 'month', true), ('customer_month', 'month', true),
        ('plan_forecast', 'month', true), ('plan_proposal', 'month', true), ('visit_wish', 'account_no', true)
$$;

-- Both have been locked, and the one that goes on has its new version, before this is called. With the owner's rights:
-- the API changes none of these tables itself.
create function merge_customer(duplicate text, survivor text, version int, by text, reason text, at timestamptz)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    held record;
    moved jsonb := '{}';
    kept jsonb := '{}';
    keys jsonb;
    clash text;
begin
    delete from segment_change where account_no = duplicate and applied_at is null;
    -- Two visits of one period: the duplicate's is called off, if it is to come. Two open checks of a kind: one is enough.
    select coalesce(jsonb_agg(to_jsonb(v)), '[]') into keys from visit v where v.account_no = duplicate
        and exists (select from visit o where o.account_no = survivor and (o.kind, o.period) = (v.kind, v.period));
    kept := kept || jsonb_build_object('visit', keys);
    insert into visit_entry (visit_id, at, actor, kind, from_state, to_state, why)
    select v.id, merge_customer.at, by, 'cancel', v.state, 'cancelled', reason
    from visit v join jsonb_to_recordset(keys) k (id bigint) on k.id = v.id where v.state in ('due', 'postponed');
    update visit v set period = null, version = v.version + 1,
        state = case when v.state in ('due', 'postponed') then 'cancelled' else v.state end
    from jsonb_to_recordset(keys) k (id bigint) where k.id = v.id;
    select coalesce(jsonb_agg(c.id), '[]') into keys from contact_check c where c.account_no = duplicate and c.state = 'open'
        and exists (select from contact_check o where o.account_no = survivor and o.kind = c.kind and o.state = 'open');
    kept := kept || jsonb_build_object('contact_check', keys);
    update contact_check set state = 'dismissed', decided_by = by, decided_at = merge_customer.at, decided_why = reason
    where to_jsonb(id) <@ keys and account_no = duplicate;
    -- Both plans and both uses count, under one number.
    select coalesce(jsonb_agg(to_jsonb(s)), '[]') into keys
    from water_plan s join water_plan d using (month) where s.account_no = survivor and d.account_no = duplicate;
    kept := kept || jsonb_build_object('summed_plan', keys);
    update water_plan s set plan_m3 = s.plan_m3 + d.plan_m3, version = s.version + 1, decided_by = by, why = reason,
        decided_at = merge_customer.at
    from water_plan d where s.account_no = survivor and d.account_no = duplicate and d.month = s.month;
    select coalesce(jsonb_agg(to_jsonb(s)), '[]') into keys
    from customer_month s join customer_month d using (month) where s.account_no = survivor and d.account_no = duplicate;
    kept := kept || jsonb_build_object('summed_month', keys);
    update customer_month s set volume_l = s.volume_l + d.volume_l, hours = greatest(s.hours, d.hours)
    from customer_month d where s.account_no = survivor and d.account_no = duplicate and d.month = s.month;
    for held in select * from customer_holdings() loop
        if held.single then
            clash := case held.key when 'account_no' then '' else format('and o.%1$I = h.%1$I', held.key) end;
            execute format('with gone as (delete from %1$I h where h.account_no = $1 and exists (select from %1$I o'
                ' where o.account_no = $2 %2$s) returning h.*) select coalesce(jsonb_agg(to_jsonb(gone)), ''[]'') from gone',
                held.holding, clash) into keys using duplicate, survivor;
            kept := kept || jsonb_build_object(held.holding, keys);
        end if;
        execute format('with gone as (update %I h set account_no = $2 where h.account_no = $1 returning h.%I as key)'
            ' select coalesce(jsonb_agg(key), ''[]'') from gone', held.holding, held.key) into keys using duplicate, survivor;
        moved := moved || jsonb_build_object(held.holding, keys);
    end loop;
    update visit v set manager_id = c.manager_id from customer c
    where c.account_no = survivor and v.account_no = survivor and v.state in ('due', 'postponed');
    with gone as (
        update detector_policy p set scope_key = survivor where p.scope = 'customer' and p.scope_key = duplicate
            and not exists (select from detector_policy o where o.scope = 'customer' and o.scope_key = survivor
                and o.detector = p.detector) returning p.id
    )
    select coalesce(jsonb_agg(id), '[]') into keys from gone;
    insert into customer_merge (account_no, into_no, version, at, actor, why, record, moved, kept)
    select duplicate, survivor, merge_customer.version, merge_customer.at, by, reason, to_jsonb(c),
        moved || jsonb_build_object('detector_policy', keys), kept from customer c where c.account_no = duplicate;
    delete from customer where account_no = duplicate;
    insert into customer_alias (alias, account_no, at, actor, why) values (duplicate, survivor, at, by, reason);
end $$;

-- Gives back what was the duplicate's; what came later stays where it came. The caller has seen to it that nothing was
-- built upon the merge.
create function unmerge_customer(merge_id bigint, by text, reason text, at timestamptz)
returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    m customer_merge;
    held record;
    columns text := (select string_agg(quote_ident(attname), ', ') from pg_attribute
        where attrelid = 'customer'::regclass and attnum > 0 and not attisdropped and attgenerated = '');
begin
    select * into strict m from customer_merge where id = merge_id and undone_at is null for update;
    delete from customer_alias where alias = m.account_no;
    execute format('insert into customer (%1$s) select %1$s from jsonb_populate_record(null::customer, $1)', columns)
        using m.record;
    update water_plan p set plan_m3 = k.plan_m3, version = p.version + 1, decided_by = k.decided_by, why = k.why,
        decided_at = k.decided_at
    from jsonb_populate_recordset(null::water_plan, m.kept -> 'summed_plan') k
    where p.account_no = m.into_no and p.month = k.month;
    update customer_month p set volume_l = k.volume_l, hours = k.hours
    from jsonb_populate_recordset(null::customer_month, m.kept -> 'summed_month') k
    where p.account_no = m.into_no and p.month = k.month;
    for held in select * from customer_holdings() loop
        execute format('update %I h set account_no = $1 where h.account_no = $2 and to_jsonb(h.%I) <@ $3',
            held.holding, held.key) using m.account_no, m.into_no, m.moved -> held.holding;
        if held.single then
            execute format('insert into %1$I select * from jsonb_populate_recordset(null::%1$I, $1)', held.holding)
                using m.kept -> held.holding;
        end if;
    end loop;
    update visit v set period = k.period, version = v.version + 1,
        state = case when v.state = 'cancelled' then k.state else v.state end
    from jsonb_populate_recordset(null::visit, m.kept -> 'visit') k where k.id = v.id;
    insert into visit_entry (visit_id, at, actor, kind, from_state, to_state, why)
    select k.id, unmerge_customer.at, by, 'undo', 'cancelled', k.state, reason
    from jsonb_populate_recordset(null::visit, m.kept -> 'visit') k where k.state in ('due', 'postponed');
    update visit v set manager_id = (m.record ->> 'manager_id')::bigint
    where v.account_no = m.account_no and v.state in ('due', 'postponed');
    update contact_check c set state = 'open', decided_by = null, decided_at = null, decided_why = null
    where c.account_no = m.account_no and c.state = 'dismissed' and to_jsonb(c.id) <@ (m.kept -> 'contact_check');
    update detector_policy set scope_key = m.account_no where to_jsonb(id) <@ (m.moved -> 'detector_policy')
        and scope = 'customer' and scope_key = m.into_no;
    update customer_merge set undone_at = unmerge_customer.at, undone_by = by, undone_why = reason where id = merge_id;
end $$;
revoke execute on function merge_customer, unmerge_customer from public;
grant execute on function merge_customer, unmerge_customer to headwater_api;
