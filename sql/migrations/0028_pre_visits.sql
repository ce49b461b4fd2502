-- Visits by cadence and on a cause, with their history; water plans with their outlook and next month's proposal.

-- How who is visited whose turn comes by segment_rule; a person's word on a customer wins over both.
alter table segment_rule add column visit_form text not null default 'on_site';
comment on column segment_rule.visit_form is 'on_site: the manager goes there, call: rings up, letter: a message is sent by itself';
alter table segment_rule add constraint segment_rule_form_check
    check (visit_form in ('on_site', 'call', 'letter')) not valid;
update segment_rule set visit_form = case when segment = 'general' and sector = 'residential' then 'letter' else 'call' end
where segment in ('vulnerable', 'general') and sector <> 'industrial';

create table visit_wish (
    account_no text primary key references customer on update cascade,
    every_months int check (every_months between 0 and 60),
    form text check (form in ('on_site', 'call', 'letter')),
    why text not null default '',
    set_by text not null,
    set_at timestamptz not null
);
comment on table visit_wish is 'what a person said for one customer; null: as the rule says';

create view visit_cadence with (security_invoker) as
    select c.account_no, c.manager_id, coalesce(w.every_months, r.visit_every_months, 0) as every_months,
        coalesce(w.form, r.visit_form) as form
    from customer c
    join segment_rule r on r.segment = c.segment and r.sector = c.sector
    left join visit_wish w on w.account_no = c.account_no;

alter table visit
    add column kind text not null default 'cadence',
    add column period text,
    add column form text not null default 'on_site',
    add column planned_on date,
    add column cause jsonb not null default '{}',
    add column why text not null default '',
    add column done_by text,
    add column version int not null default 1;
comment on column visit.period is 'what it is the one visit of: a period, a cold spell, an event; null: made by hand';
comment on column visit.planned_on is 'the day it was first planned for';
comment on column visit.why is 'why it was postponed or called off';
alter table visit add constraint visit_kind_check check (kind in ('cadence', 'inspection', 'ad_hoc')) not valid;
alter table visit add constraint visit_form_check check (form in ('on_site', 'call', 'letter')) not valid;
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table visit drop constraint visit_state_check;
alter table visit add constraint visit_state_check
    check (state in ('due', 'postponed', 'done', 'cancelled')) not valid;
-- An inspection may fall on the day of another visit.
-- squawk-ignore ban-drop-constraint
alter table visit drop constraint visit_account_no_due_on_key;
-- squawk-ignore require-concurrent-index-creation
create unique index visit_period_idx on visit (account_no, kind, period);
-- squawk-ignore require-concurrent-index-creation
create index visit_account_idx on visit (account_no, due_on);
-- squawk-ignore require-concurrent-index-creation
create index visit_day_idx on visit (due_on, id);
-- squawk-ignore require-concurrent-index-creation
create index visit_manager_idx on visit (manager_id, due_on, id);
-- squawk-ignore require-concurrent-index-creation
create index visit_open_idx on visit (manager_id, due_on, id) where state in ('due', 'postponed');
-- squawk-ignore require-concurrent-index-creation
create index visit_open_day_idx on visit (due_on, id) where state in ('due', 'postponed');
-- squawk-ignore require-concurrent-index-deletion
drop index visit_due_idx;
-- squawk-ignore require-concurrent-index-creation
create index visit_inspection_idx on visit ((cause ->> 'hazard'), (cause ->> 'until')) where kind = 'inspection';

create table visit_entry (
    id bigint generated always as identity primary key,
    visit_id bigint not null references visit,
    at timestamptz not null,
    actor text not null,
    kind text not null,
    from_state text,
    to_state text,
    why text not null default '',
    detail jsonb not null default '{}'
);
create index visit_entry_visit_idx on visit_entry (visit_id, id);
create trigger visit_entry_append_only before update or delete or truncate on visit_entry
    for each statement execute function refuse_change();

-- Who takes a customer over takes the open visits over.
create function visits_follow_manager() returns trigger language plpgsql
    security definer set search_path = public, pg_temp as $$
begin
    update visit set manager_id = new.manager_id
    where account_no = new.account_no and state in ('due', 'postponed');
    return null;
end $$;
create trigger customer_visits_follow after update of manager_id on customer
    for each row when (old.manager_id is distinct from new.manager_id) execute function visits_follow_manager();

-- A visit may bring a ticket.
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table ticket drop constraint ticket_source_check;
alter table ticket add constraint ticket_source_check
    check (source in ('meter', 'hotline', 'counter', 'web', 'message', 'mail', 'visit', 'system')) not valid;

-- An hour ahead is forecast; measured, it has no issued_at.
alter table weather add column issued_at timestamptz;
comment on column weather.issued_at is 'when the hour was forecast; null: measured';

alter table water_plan
    add column version int not null default 1,
    add column why text not null default '',
    add column decided_at timestamptz;

create table plan_forecast (
    account_no text not null references customer on update cascade,
    month date not null check (extract(day from month) = 1),
    used_m3 float8 not null,
    forecast_m3 float8,
    low_m3 float8,
    high_m3 float8,
    made_at timestamptz not null,
    primary key (account_no, month)
);
comment on column plan_forecast.forecast_m3 is 'at the end of the month; null while less than two weeks of the customer are known';

create table plan_proposal (
    account_no text not null references customer on update cascade,
    month date not null check (extract(day from month) = 1),
    plan_m3 float8 not null check (plan_m3 >= 0),
    low_m3 float8 not null,
    high_m3 float8 not null,
    basis text not null check (basis in ('last_year', 'median')),
    facts jsonb not null default '{}',
    state text not null default 'proposed' check (state in ('proposed', 'agreed', 'declined')),
    made_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    primary key (account_no, month)
);
create index plan_proposal_month_idx on plan_proposal (month, account_no);
-- Wider ones of the same order.
-- squawk-ignore require-concurrent-index-deletion
drop index visit_month_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index water_plan_month_idx;
-- squawk-ignore require-concurrent-index-creation
create index water_plan_month_idx on water_plan (month, account_no);

grant select on visit_wish, visit_cadence, visit_entry, weather, plan_forecast, plan_proposal to headwater_api;
grant insert, update on visit, visit_wish, water_plan to headwater_api;
grant insert on visit_entry to headwater_api;
grant update on plan_proposal to headwater_api;
grant select on visit, visit_entry, plan_forecast, water_plan to headwater_notify;

do $$
declare
    guarded text;
begin
    foreach guarded in array array['visit_wish', 'plan_forecast', 'plan_proposal'] loop
        execute format('alter table %I enable row level security', guarded);
        execute format('create policy %I on %I for all to headwater_api using ((select headwater_sees_all())
            or exists (select from customer c where c.account_no = %I.account_no))', guarded || '_api', guarded, guarded);
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify
            using (true) with check (true)', guarded || '_service', guarded);
    end loop;
end $$;
alter table visit_entry enable row level security;
create policy visit_entry_api on visit_entry for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from visit v where v.id = visit_id));
create policy visit_entry_service on visit_entry for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
