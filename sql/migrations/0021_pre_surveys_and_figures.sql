-- What customers think of how they were served, and what a month of service was like.

-- Random keys of this installation, by what they sign.
create table signing_key (
    purpose text primary key,
    key bytea not null check (octet_length(key) = 32),
    made_at timestamptz not null default now()
);
insert into signing_key (purpose, key)
values ('survey', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
grant select on signing_key to headwater_api, headwater_notify;

create table survey_policy (
    one boolean primary key default true check (one),
    valid_days int not null default 14 check (valid_days between 1 and 90),
    confirm_days int not null default 7 check (confirm_days between 1 and 90),
    rest_days int not null default 1 check (rest_days between 0 and 365)
);
comment on column survey_policy.valid_days is 'how long a link can be answered';
comment on column survey_policy.confirm_days is 'so long after its resolution a ticket is confirmed where nobody objects';
comment on column survey_policy.rest_days is 'so long a customer is not asked about another ticket';
insert into survey_policy default values;
grant select on survey_policy to headwater_api, headwater_notify;

-- squawk-ignore ban-drop-not-null
alter table survey alter column token_sha256 drop not null;
alter table survey
    add column account_no text,
    add column channel text not null default 'link',
    add column resolved_by bigint,
    add column recorded_by text;
comment on column survey.channel is 'how the answer came: by the link, or told to staff at the hotline or counter';
comment on column survey.resolved_by is 'who had resolved the ticket that was asked about';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table survey add constraint survey_account_fkey foreign key (account_no) references customer on update cascade;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table survey add constraint survey_resolver_fkey foreign key (resolved_by) references staff;
-- squawk-ignore constraint-missing-not-valid
alter table survey add constraint survey_channel_check check (channel in ('link', 'hotline', 'counter', 'visit'));
-- squawk-ignore constraint-missing-not-valid
alter table survey add constraint survey_remark_check check (length(remark) <= 2000);
-- squawk-ignore require-concurrent-index-creation
create index survey_account_idx on survey (account_no, sent_at);
-- squawk-ignore require-concurrent-index-creation
create index survey_sent_idx on survey (sent_at);
-- squawk-ignore require-concurrent-index-creation
create index survey_answered_idx on survey (answered_at) where answered_at is not null;
grant insert, update (answered_at, satisfied, score, remark, channel, recorded_by) on survey to headwater_api;
grant select on survey to headwater_notify;

-- A ticket that is opened again begins a new round; what the round before kept or missed stays on record.
alter table ticket
    add column round int not null default 1,
    add column round_at timestamptz;
comment on column ticket.round_at is 'when it was last opened again; null: never';
create table ticket_round (
    ticket_id bigint not null references ticket,
    round int not null,
    started_at timestamptz not null,
    response_due timestamptz not null,
    responded_at timestamptz,
    resolution_due timestamptz not null,
    resolved_at timestamptz,
    resolved_by bigint references staff,
    reopened_at timestamptz not null,
    primary key (ticket_id, round)
);
create index ticket_round_started_idx on ticket_round (started_at);
-- squawk-ignore require-concurrent-index-creation
create index ticket_round_at_idx on ticket (round_at) where round_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index ticket_resolved_idx on ticket (resolved_at, id) where state = 'resolved';
grant select, insert on ticket_round to headwater_api, headwater_notify;
grant update (priority, urgent, sla, round, round_at) on ticket to headwater_api;

-- A region and every region above it.
create view region_above with (security_invoker) as
    with recursive up (region_id, above_id, parent_id, steps) as (
        select id, id, parent_id, 0 from region
        union all
        select up.region_id, r.id, r.parent_id, up.steps + 1 from up join region r on r.id = up.parent_id
        where up.steps < 16
    )
    select region_id, above_id from up;

-- Whose figures something counts for: the utility's, a manager's, those of a region and every region above, a
-- segment's. Empty and 0: nobody's, nowhere, none.
create function figure_keys(login text, region_id int, segment text) returns table (dimension text, key text)
    language sql stable as $$
    select 'utility', ''
    union all select 'manager', figure_keys.login where figure_keys.login <> ''
    union all select 'region', r.code from region_above a join region r on r.id = a.above_id
        where a.region_id = figure_keys.region_id
    union all select 'segment', figure_keys.segment where figure_keys.segment <> ''
$$;

-- The rounds of tickets that began in a span, and what they kept and missed as of an instant: null where nothing is
-- due yet, or the system resolved it by itself. The manager is who resolved it, else who has it.
create function service_rounds(since timestamptz, until timestamptz, as_of timestamptz)
    returns table (ticket_id bigint, round int, started_at timestamptz, response_due timestamptz,
        responded_at timestamptz, response text, response_h float8, resolution_due timestamptz,
        resolved_at timestamptz, resolution text, resolution_h float8, reopened boolean, login text, region_id int,
        segment text)
    language sql stable as $$
    select x.ticket_id, x.round, x.started_at, x.response_due, x.responded_at,
        case when x.responded_at <= x.response_due then 'kept'
            when x.responded_at is not null or x.resolved_at is null and x.response_due < x.clock_at then 'missed' end,
        extract(epoch from x.responded_at - x.started_at) / 3600,
        x.resolution_due, x.resolved_at,
        case when x.by_system then null when x.resolved_at <= x.resolution_due then 'kept'
            when x.resolved_at is not null or x.resolution_due < x.clock_at then 'missed' end,
        case when not x.by_system then extract(epoch from x.resolved_at - x.started_at) / 3600 end,
        x.reopened and not x.by_system, coalesce(p.login, ''), coalesce(d.region_id, 0), coalesce(c.segment, '')
    from (
        select r.*, least(r.said_at, case when not s.by_system then r.resolved_at end) as responded_at, s.by_system
        from (
            select t.id as ticket_id, t.round, t.opened_at as started_at, t.response_due, t.responded_at as said_at,
                t.resolution_due, t.resolved_at, t.resolved_by, false as reopened,
                coalesce(t.waiting_since, as_of) as clock_at, t.account_no, t.dma_id, t.assignee_id
            from ticket t
            where t.opened_at >= since and t.opened_at < until and t.round_at is null and t.state <> 'merged'
            union all
            select t.id, t.round, t.round_at, t.response_due, t.responded_at, t.resolution_due, t.resolved_at,
                t.resolved_by, false, coalesce(t.waiting_since, as_of), t.account_no, t.dma_id, t.assignee_id
            from ticket t
            where t.round_at >= since and t.round_at < until and t.state <> 'merged'
            union all
            select o.ticket_id, o.round, o.started_at, o.response_due, o.responded_at, o.resolution_due, o.resolved_at,
                o.resolved_by, true, as_of, t.account_no, t.dma_id, t.assignee_id
            from ticket_round o join ticket t on t.id = o.ticket_id
            where o.started_at >= since and o.started_at < until and t.state <> 'merged'
        ) r
        cross join lateral (select exists (select from ticket_entry e where e.ticket_id = r.ticket_id
            and e.kind = 'resolve' and e.actor = 'system' and e.at = r.resolved_at) as by_system) s
    ) x
    left join staff p on p.id = coalesce(x.resolved_by, x.assignee_id)
    left join customer c on c.account_no = x.account_no
    left join dma d on d.id = coalesce(x.dma_id, c.dma_id)
$$;

create table figure_month (
    month date not null check (extract(day from month) = 1),
    dimension text not null check (dimension in ('utility', 'manager', 'region', 'segment')),
    key text not null,
    opened int not null default 0,
    response_kept int not null default 0,
    response_missed int not null default 0,
    response_h float8,
    resolution_kept int not null default 0,
    resolution_missed int not null default 0,
    resolution_h float8,
    resolved int not null default 0,
    reopened int not null default 0,
    asked int not null default 0,
    answered int not null default 0,
    satisfied int not null default 0,
    score float8,
    visits_due int not null default 0,
    visits_done int not null default 0,
    visits_on_time int not null default 0,
    confirmed_events int not null default 0,
    saved_m3 float8 not null default 0,
    saved_money float8 not null default 0,
    customers int not null default 0,
    volume_m3 float8,
    revenue float8,
    planned int not null default 0,
    within_plan int not null default 0,
    made_at timestamptz not null,
    primary key (month, dimension, key)
);
comment on table figure_month is 'docs/service.md defines the figures; key: login, code of a region, segment, empty for the utility';
create index figure_month_key_idx on figure_month (dimension, key, month);
-- squawk-ignore require-concurrent-index-creation
create index event_cleared_idx on event (cleared_at) where cleared_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index visit_month_idx on visit (due_on);
-- squawk-ignore require-concurrent-index-creation
create index water_plan_month_idx on water_plan (month);

create table report_subscription (
    id bigint generated always as identity primary key,
    staff_id bigint not null references staff,
    scope text not null check (scope in ('utility', 'region', 'manager')),
    key text not null default '',
    language text check (language in ('zh', 'en')),
    created_by text not null,
    created_at timestamptz not null,
    unique (staff_id, scope, key),
    check ((scope = 'utility') = (key = ''))
);
comment on column report_subscription.language is 'null: the subscriber''s own';

grant select on region_above, figure_month to headwater_api, headwater_notify;
grant select, insert, delete on report_subscription to headwater_api;
grant select on report_subscription, visit, water_plan, event_verdict to headwater_notify;

alter table ticket_round enable row level security;
alter table figure_month enable row level security;
alter table report_subscription enable row level security;
create policy ticket_round_api on ticket_round for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from ticket t where t.id = ticket_id));
create policy figure_month_api on figure_month for all to headwater_api using ((select headwater_sees_all())
    or (dimension = 'manager' and key = (select login from staff s where s.id = headwater_staff())));
create policy report_subscription_api on report_subscription for all to headwater_api
    using ((select headwater_sees_all()) or staff_id = (select headwater_staff()));
create policy ticket_round_service on ticket_round for all to headwater_notify using (true) with check (true);
create policy figure_month_service on figure_month for all to headwater_notify using (true) with check (true);
create policy report_subscription_service on report_subscription for all to headwater_notify using (true) with check (true);
