-- When is worked, by when a ticket is due, when its clock stands still, and who is told as time runs out.

create table calendar (
    code text primary key,
    hours text not null,
    holidays boolean not null default true,
    country text,
    subdivision text,
    closed_days date[] not null default '{}',
    extra_days date[] not null default '{}'
);
comment on column calendar.hours is 'weekly, local time: mo-fr 08:30-12:00 13:30-17:30; sa 22:00-06:00';
comment on column calendar.holidays is 'whether public holidays are off and make-up days are worked';
comment on column calendar.country is 'whose public holidays, ISO 3166; null: the utility''s';
insert into calendar (code, hours, holidays) values
    ('round_the_clock', 'daily 00:00-24:00', false),
    ('office', 'mo-fr 08:30-12:00 13:30-17:30', true);
grant select on calendar to headwater_notify, headwater_api;

alter table sla_policy
    add column segment text check (segment in ('large', 'special', 'vulnerable', 'general')),
    add column topic text,
    add column response_warn_s int not null default 0 check (response_warn_s >= 0),
    add column resolution_warn_s int not null default 0 check (resolution_warn_s >= 0),
    add column escalate_s int not null default 86400 check (escalate_s > 0);
comment on column sla_policy.segment is 'null: whatever the customer''s segment';
comment on column sla_policy.topic is 'the group of the event or the topic of the case; null: any';
comment on column sla_policy.response_warn_s is 'seconds of working time before the deadline; 0: no warning';
comment on column sla_policy.escalate_s is 'seconds of working time past a deadline to the superior, and on to each further one';
update sla_policy set response_warn_s = response_s / 4, resolution_warn_s = resolution_s / 4,
    escalate_s = case when urgent then 14400 else 86400 end;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table sla_policy add constraint sla_policy_calendar_fkey foreign key (calendar) references calendar on update cascade;
-- squawk-ignore require-concurrent-index-creation
create unique index sla_policy_applies_idx on sla_policy (urgent, priority, segment, topic) nulls not distinct;

alter table ticket
    add column waiting_since timestamptz,
    add column look_at timestamptz,
    add column response_stage smallint not null default 0,
    add column resolution_stage smallint not null default 0;
comment on column ticket.waiting_since is 'since when it waits for the customer: its clock stands still';
comment on column ticket.look_at is 'when the deadline sweep has to look at it next; null: never, as things stand';
comment on column ticket.response_stage is 'what was told of this deadline: 0 nothing, 1 warned, 2 urged, 3 and on escalated';

-- Whatever changes a ticket's clock, by whichever way, has the sweep look at it again.
create function ticket_clock() returns trigger language plpgsql as $$
begin
    if new.state not in ('open', 'acknowledged', 'responded', 'reopened') then
        new.waiting_since := null;
        new.look_at := null;
    elsif new.waiting_since is not null then
        new.look_at := null;
    else
        new.look_at := '-infinity';
    end if;
    if tg_op = 'UPDATE' and new.state = 'reopened' and old.state <> 'reopened' then
        new.response_stage := 0;
        new.resolution_stage := 0;
    end if;
    return new;
end $$;
create trigger ticket_clock before insert or update of state, sla, response_due, resolution_due, waiting_since on ticket
    for each row execute function ticket_clock();
update ticket set look_at = '-infinity' where state in ('open', 'acknowledged', 'responded', 'reopened');
-- squawk-ignore require-concurrent-index-creation
create index ticket_look_idx on ticket (look_at) where look_at is not null;
-- Nobody asks by these any more.
-- squawk-ignore require-concurrent-index-deletion
drop index ticket_response_due_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index ticket_resolution_due_idx;

create table ticket_pause (
    id bigint generated always as identity primary key,
    ticket_id bigint not null references ticket,
    began_at timestamptz not null,
    began_by text not null,
    why text not null,
    ended_at timestamptz,
    ended_by text,
    check (ended_at >= began_at),
    check ((ended_at is null) = (ended_by is null))
);
create unique index ticket_pause_standing_idx on ticket_pause (ticket_id) where ended_at is null;
create index ticket_pause_ticket_idx on ticket_pause (ticket_id, id);

grant select, insert on ticket_pause to headwater_notify, headwater_api;
grant update (ended_at, ended_by) on ticket_pause to headwater_notify, headwater_api;
grant update (waiting_since) on ticket to headwater_api;
alter table ticket_pause enable row level security;
create policy ticket_pause_api on ticket_pause for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from ticket t where t.id = ticket_id));
create policy ticket_pause_service on ticket_pause for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
