-- Customers see their own, through the utility's app: a third kind of sight beside 'all' and 'own'.

insert into signing_key (purpose, key)
values ('self', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- A wider form than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check
    check (array_to_string(scopes, ' ') ~ '^([a-z]+:(read|write|issue)( |$))*$') not valid;

create function headwater_sees_self() returns boolean language sql stable parallel safe
    return coalesce(current_setting('headwater.sees', true), '') = 'self';
create function headwater_account() returns text language sql stable parallel safe
    return case when headwater_sees_self() then nullif(current_setting('headwater.account', true), '') end;

alter policy customer_api on customer using ((select headwater_sees_all()) or manager_id = (select headwater_staff())
    or account_no in (select headwater_ticket_accounts()) or account_no = (select headwater_account()));

create table customer_balance (
    account_no text primary key references customer on update cascade,
    balance numeric(14, 2) not null,
    as_of date not null,
    received_at timestamptz not null,
    received_by text not null
);
comment on column customer_balance.balance is 'as billing says, in the utility''s currency; negative: owed by the customer';

create table contact_claim (
    id bigint generated always as identity primary key,
    account_no text not null references customer on update cascade,
    field text not null check (field in ('phone', 'email')),
    value text not null,
    code_mac bytea not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    tries int not null default 0,
    confirmed_at timestamptz
);
comment on column contact_claim.tries is 'of its code, counted before each is looked at';
create index contact_claim_account_idx on contact_claim (account_no, made_at);

grant select, insert, update on customer_balance to headwater_api;
grant select, insert on contact_claim to headwater_api;
grant update (tries, confirmed_at) on contact_claim to headwater_api;

create or replace function customer_holdings() returns table (holding text, key text, single boolean) language sql immutable as $$
    values ('service_point', 'id', false), ('ticket', 'id', false), ('survey', 'id', false), ('outbox', 'id', false),
        ('event', 'id', false), ('visit', 'id', false), ('contact_check', 'id', false), ('customer_alias', 'alias', false),
        ('outage_customer', 'outage_id', true), ('water_plan', 'month', true), ('customer_month', 'month', true),
        ('plan_forecast', 'month', true), ('plan_proposal', 'month', true), ('visit_wish', 'account_no', true),
        ('customer_balance', 'account_no', true), ('contact_claim', 'id', false)
$$;

do $$
declare
    guarded text;
begin
    foreach guarded in array array['customer_balance', 'contact_claim'] loop
        execute format('alter table %I enable row level security', guarded);
        execute format('create policy %I on %I for all to headwater_api using ((select headwater_sees_all())
            or exists (select from customer c where c.account_no = %I.account_no))', guarded || '_api', guarded, guarded);
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify using (true) with check (true)',
            guarded || '_service', guarded);
    end loop;
    -- What hangs on the customer's own row is seen with it. Of all else that is guarded a customer sees nothing,
    -- whatever its own policies let through.
    for guarded in select relname from pg_class where relkind in ('r', 'p') and relrowsecurity
            and relnamespace = 'public'::regnamespace and relname not in ('customer', 'service_point',
            'meter_installation', 'ticket', 'survey', 'water_plan', 'plan_forecast', 'outage_subject', 'staff',
            'customer_balance', 'contact_claim') loop
        execute format('create policy %I on %I as restrictive for all to headwater_api using (not (select headwater_sees_self()))',
            guarded || '_self', guarded);
    end loop;
end $$;
create policy staff_self on staff as restrictive for all to headwater_api
    using (not (select headwater_sees_self()) or exists (select from customer c where c.manager_id = staff.id));

-- The asking customer's use. With the owner's rights, so whose it is stands in the condition.
create function own_hours(since timestamptz, until timestamptz)
returns table (slot timestamptz, volume_l float8, measured boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.slot, sum(u.volume_l), bool_and(u.quality = 0)
    from service_point p
    join meter_installation i on i.service_point_id = p.id and i.installed_at < until and i.removed_at > since
    join meter m on m.id = i.meter_id and m.kind = 'customer'
    join usage_hourly u on u.meter_id = i.meter_id and u.slot >= greatest(i.installed_at, since)
        and u.slot < least(i.removed_at, until)
    where p.account_no = headwater_account()
    group by u.slot
$$;
create function own_days(zone text, since timestamptz, until timestamptz)
returns table (day date, volume_l float8, measured boolean)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.day, sum(u.volume_l), bool_and(u.not_measured = 0)
    from (
        select array_agg(i.meter_id) as meters, array_agg(greatest(i.installed_at, since)) as froms,
            array_agg(least(i.removed_at, until)) as untils
        from service_point p
        join meter_installation i on i.service_point_id = p.id and i.installed_at < until and i.removed_at > since
        join meter m on m.id = i.meter_id and m.kind = 'customer'
        where p.account_no = headwater_account()) s
    cross join lateral days_used(s.meters, s.froms, s.untils, zone) u
    group by u.day
$$;
revoke execute on function own_hours, own_days from public;
grant execute on function own_hours, own_days to headwater_api;
