-- What the detectors are told, and what they found.

create table detector_policy (
    id bigint generated always as identity primary key,
    detector text not null,
    scope text not null check (scope in ('default', 'sector', 'segment', 'dma', 'customer', 'meter')),
    scope_key text not null default '',
    params jsonb not null default '{}' check (jsonb_typeof(params) = 'object'),
    enabled boolean not null default true,
    valid_from timestamptz not null default '-infinity',
    valid_until timestamptz not null default 'infinity',
    exemption text check (exemption in ('expected_flow', 'holiday', 'that_is_normal')),
    why text not null default '',
    created_by text not null default 'system',
    created_at timestamptz not null default now(),
    check (valid_from < valid_until),
    check ((scope = 'default') = (scope_key = ''))
);
create index detector_policy_scope_idx on detector_policy (detector, scope, scope_key, valid_from);

create table event (
    id bigint generated always as identity primary key,
    subject_kind text not null check (subject_kind in ('meter', 'customer', 'dma')),
    subject text not null,
    grp text not null
        check (grp in ('leak', 'network', 'pressure', 'industrial', 'device', 'welfare', 'profile')),
    epoch int not null check (epoch >= 0),
    detectors text[] not null,
    meter_id int references meter,
    account_no text references customer on update cascade,
    dma_id int references dma,
    onset timestamptz not null,
    detected_at timestamptz not null,
    last_seen timestamptz not null,
    cleared_at timestamptz,
    severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
    magnitude float8 not null,
    unit text not null,
    loss_m3 float8 not null default 0,
    money float8 not null default 0,
    evidence jsonb not null default '{}',
    episodes jsonb not null default '[]',
    announced float8 not null default 0,
    suppressed_by bigint,
    retracted_at timestamptz,
    revision int not null default 1,
    updated_at timestamptz not null default now(),
    constraint event_identity unique (subject_kind, subject, grp, epoch)
);
comment on column event.episodes is 'the alarms the event is made of, as detection keeps them';
comment on column event.announced is 'magnitude at the last entry';
create index event_open_idx on event (subject_kind, subject, grp) where cleared_at is null and retracted_at is null;
create index event_recent_idx on event (detected_at desc, id desc);
create index event_open_recent_idx on event (detected_at desc, id desc) where cleared_at is null and retracted_at is null;
create index event_account_idx on event (account_no, detected_at desc, id desc);
create index event_meter_idx on event (meter_id, detected_at desc, id desc);
create index event_dma_idx on event (dma_id, detected_at desc, id desc);

-- Append-only history of an event; the notifier follows it as detection follows arrivals.
create table event_entry (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    event_id bigint not null references event,
    at timestamptz not null default now(),
    kind text not null
        check (kind in ('opened', 'updated', 'cleared', 'reopened', 'amended', 'retracted', 'suppressed')),
    why text not null default '',
    detail jsonb not null default '{}'
);
create index event_entry_xid_idx on event_entry (xid);
create index event_entry_event_idx on event_entry (event_id, id);
