-- What the meters said, and what could not be understood of it.

create table reading (
    meter_id int not null,
    ts timestamptz not null,
    register_l float8,
    flow_lph float4,
    pressure_kpa float4,
    temperature_c float4,
    battery_v float4,
    flags int not null default 0,
    received_at timestamptz not null default now(),
    primary key (meter_id, ts)
);
select create_hypertable('reading', by_range('ts', interval '7 days'), create_default_indexes => false);

create table usage_hourly (
    meter_id int not null,
    slot timestamptz not null,
    volume_l float8 not null,
    quality smallint not null check (quality between 0 and 3),
    primary key (meter_id, slot)
);
comment on column usage_hourly.slot is 'start of the hour';
comment on column usage_hourly.quality is '0 measured, 1 interpolated, 2 estimated, 3 edited';
select create_hypertable('usage_hourly', by_range('slot', interval '28 days'), create_default_indexes => false);

create table quarantine (
    id bigint generated always as identity,
    received_at timestamptz not null default now(),
    topic text not null,
    payload bytea not null,
    reason text not null check (reason in ('malformed', 'unknown_meter', 'wrong_meter', 'bad_value',
        'future_timestamp', 'too_old', 'conflicting_duplicate', 'unsupported')),
    detail text not null,
    meter text,
    requeue_asked_at timestamptz,
    requeue_asked_by text,
    requeued_at timestamptz,
    primary key (id, received_at)
);
select create_hypertable('quarantine', by_range('received_at', interval '7 days'), create_default_indexes => false);
create index quarantine_recent_idx on quarantine (received_at desc, id desc);
create index quarantine_meter_idx on quarantine (meter, received_at desc);
create index quarantine_reason_idx on quarantine (reason, received_at desc, id desc);
-- Finds what a redelivered message has already put here.
create index quarantine_payload_idx on quarantine (sha256(payload));
create index quarantine_asked_idx on quarantine (requeue_asked_at)
    where requeue_asked_at is not null and requeued_at is null;

-- One row a committed batch of readings: which meters, from when to when. Detection follows these rows by
-- transaction visibility (see sql/feed.py), so a batch that commits late is never passed over.
create table arrival (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default now(),
    meter_ids int[] not null,
    ts_min timestamptz[] not null,
    ts_max timestamptz[] not null,
    readings int not null
);
create index arrival_xid_idx on arrival (xid);
create index arrival_at_idx on arrival (at);

-- What the ingester knows of a meter's clock and progress; written a few times a minute, not per reading.
create table meter_clock (
    meter_id int primary key references meter,
    high_water timestamptz not null,
    received_at timestamptz not null,
    skew_s float4 not null
) with (fillfactor = 70);
comment on column meter_clock.skew_s is 'estimated receipt time less meter time, seconds';

-- How far each consumer of a feed has read: the snapshot it last saw.
create table feed_position (
    consumer text primary key,
    seen pg_snapshot not null,
    moved_at timestamptz not null default now()
);
