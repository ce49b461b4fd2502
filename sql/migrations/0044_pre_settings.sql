-- Calendars and service levels are set by people: who, when, why, and what stood before.

alter table calendar add column version int not null default 1;
alter table sla_policy
    add column version int not null default 1,
    add column active boolean not null default true;
comment on column sla_policy.active is 'no ticket is opened by one that is not; those that were keep to it';

create table setting_change (
    kind text not null check (kind in ('calendar', 'sla')),
    code text not null,
    version int not null,
    at timestamptz not null,
    actor text not null,
    why text not null,
    before jsonb,
    after jsonb not null,
    primary key (kind, code, version)
);
comment on column setting_change.before is 'null: it was made';
create trigger setting_change_append_only before update or delete or truncate on setting_change
    for each statement execute function refuse_change();

grant select, insert on setting_change to headwater_api;
grant insert, update (hours, holidays, country, subdivision, closed_days, extra_days, version) on calendar to headwater_api;
grant insert, update (response_s, resolution_s, calendar, response_warn_s, resolution_warn_s, escalate_s, active, version)
    on sla_policy to headwater_api;

do $$
declare
    guarded text;
begin
    foreach guarded in array array['calendar', 'sla_policy', 'setting_change'] loop
        execute format('alter table %I enable row level security', guarded);
        execute format('create policy %I on %I for select to headwater_api using (true)', guarded || '_seen', guarded);
        execute format('create policy %I on %I for insert to headwater_api with check ((select headwater_sees_all()))',
            guarded || '_made', guarded);
        execute format('create policy %I on %I for update to headwater_api using ((select headwater_sees_all()))',
            guarded || '_set', guarded);
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify using (true) with check (true)',
            guarded || '_service', guarded);
    end loop;
end $$;

-- Accounts of staff are made and changed by administrators; the database sees to it, too.
grant insert (login, name, email, phone, language, roles, region_id, superior_id, deputy_id, on_duty_desk)
    on staff to headwater_api;
grant update (name, email, phone, roles) on staff to headwater_api;
create function staff_account_guard() returns trigger language plpgsql as $$
begin
    if current_user = 'headwater_api' and headwater_staff() is not null and not exists (
            select from staff s where s.id = headwater_staff() and s.active and 'admin' = any (s.roles)) then
        raise exception 'accounts are for administrators' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger staff_account_guard before insert or update of login, name, email, phone, roles on staff
    for each row execute function staff_account_guard();

-- How often somebody was sent a test message.
-- squawk-ignore require-concurrent-index-creation
create index outbox_test_idx on outbox (staff_id, created_at) where kind = 'test';

-- Which verdict made an exemption.
-- squawk-ignore require-concurrent-index-creation
create index event_verdict_policies_idx on event_verdict using gin (policies);
