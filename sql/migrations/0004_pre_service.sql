-- The service rules' own records: tickets, outages, visits, surveys, plans.

create table outage (
    id bigint generated always as identity primary key,
    code text not null unique,
    kind text not null check (kind in ('planned', 'unplanned')),
    dma_id int references dma,
    reason text not null,
    emergency_supply text not null default '',
    announced_at timestamptz,
    starts_at timestamptz not null,
    expected_end timestamptz not null,
    ended_at timestamptz,
    event_id bigint references event,
    created_by text not null default 'system',
    check (starts_at < expected_end)
);
create index outage_dma_idx on outage (dma_id, starts_at);
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
alter table event add constraint event_suppressed_by_fkey foreign key (suppressed_by) references outage;

create table outage_subject (
    outage_id bigint not null references outage,
    service_point_id bigint not null references service_point,
    primary key (outage_id, service_point_id)
);
create index outage_subject_point_idx on outage_subject (service_point_id);

create table sla_policy (
    id bigint generated always as identity primary key,
    code text not null unique,
    urgent boolean not null,
    priority text not null check (priority in ('urgent', 'high', 'normal', 'low')),
    response_s int not null check (response_s > 0),
    resolution_s int not null check (resolution_s > 0),
    calendar text not null default 'round_the_clock'
);
insert into sla_policy (code, urgent, priority, response_s, resolution_s) values
    ('green_channel', true, 'urgent', 86400, 172800),
    ('high', false, 'high', 172800, 432000),
    ('normal', false, 'normal', 259200, 864000),
    ('low', false, 'low', 432000, 1728000);

create table ticket (
    id bigint generated always as identity primary key,
    state text not null default 'open' check (state in
        ('open', 'acknowledged', 'responded', 'resolved', 'confirmed', 'reopened', 'merged')),
    source text not null default 'meter'
        check (source in ('meter', 'hotline', 'counter', 'web', 'message', 'mail')),
    priority text not null check (priority in ('urgent', 'high', 'normal', 'low')),
    urgent boolean not null,
    sla text not null references sla_policy (code),
    account_no text references customer on update cascade,
    dma_id int references dma,
    grp text not null,
    assignee_id bigint references staff,
    routed_by text not null check (routed_by in
        ('account_manager', 'deputy', 'region', 'dma_manager', 'duty_desk', 'person')),
    opened_at timestamptz not null default now(),
    response_due timestamptz not null,
    resolution_due timestamptz not null,
    acknowledged_at timestamptz,
    responded_at timestamptz,
    resolved_at timestamptz,
    resolved_by bigint references staff,
    confirmed_at timestamptz,
    merged_into bigint references ticket,
    cause text,
    version int not null default 1
);
create index ticket_recent_idx on ticket (opened_at desc, id desc);
create index ticket_assignee_idx on ticket (assignee_id, opened_at desc, id desc);
create index ticket_account_idx on ticket (account_no, opened_at desc, id desc);
create index ticket_dma_idx on ticket (dma_id, opened_at desc, id desc);
create index ticket_state_idx on ticket (state, opened_at desc, id desc);
create index ticket_response_due_idx on ticket (response_due)
    where state in ('open', 'reopened');
create index ticket_resolution_due_idx on ticket (resolution_due)
    where state in ('open', 'acknowledged', 'responded', 'reopened');

-- An event belongs to one ticket, whatever is delivered twice.
create table ticket_event (
    event_id bigint primary key references event,
    ticket_id bigint not null references ticket
);
create index ticket_event_ticket_idx on ticket_event (ticket_id);

create table ticket_relation (
    ticket_id bigint not null references ticket,
    related_id bigint not null references ticket,
    why text not null,
    primary key (ticket_id, related_id),
    check (ticket_id <> related_id)
);

create table ticket_entry (
    id bigint generated always as identity primary key,
    ticket_id bigint not null references ticket,
    at timestamptz not null default now(),
    actor text not null,
    kind text not null,
    from_state text,
    to_state text,
    why text not null default '',
    detail jsonb not null default '{}'
);
create index ticket_entry_ticket_idx on ticket_entry (ticket_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: write a new entry instead', tg_table_name
        using errcode = 'restrict_violation';
end $$;
create trigger ticket_entry_append_only before update or delete or truncate on ticket_entry
    for each statement execute function refuse_change();
create trigger event_entry_append_only before update or delete or truncate on event_entry
    for each statement execute function refuse_change();

create table visit (
    id bigint generated always as identity primary key,
    account_no text not null references customer on update cascade,
    manager_id bigint references staff,
    due_on date not null,
    state text not null default 'due' check (state in ('due', 'done', 'cancelled')),
    done_at timestamptz,
    agenda jsonb not null default '[]',
    outcome jsonb not null default '{}',
    unique (account_no, due_on)
);
create index visit_due_idx on visit (manager_id, due_on) where state = 'due';

create table survey (
    id bigint generated always as identity primary key,
    ticket_id bigint not null references ticket,
    round int not null default 1,
    token_sha256 bytea not null unique,
    sent_at timestamptz not null default now(),
    expires_at timestamptz not null,
    answered_at timestamptz,
    satisfied boolean,
    score smallint check (score between 1 and 5),
    remark text,
    unique (ticket_id, round)
);

create table water_plan (
    account_no text not null references customer on update cascade,
    month date not null check (extract(day from month) = 1),
    plan_m3 float8 not null check (plan_m3 >= 0),
    noticed text[] not null default '{}',
    decided_by text not null default 'import',
    primary key (account_no, month)
);
