-- name: copy_reading
copy reading (meter_id, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at)
    from stdin (format binary);

-- name: create_staging
create temp table if not exists staging (
    meter_id int, ts timestamptz, register_l float8, flow_lph float4, pressure_kpa float4,
    temperature_c float4, battery_v float4, flags int, received_at timestamptz
) on commit delete rows;

-- name: copy_staging
copy staging (meter_id, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at)
    from stdin (format binary);

-- name: insert_staged seq: staging
insert into reading (meter_id, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at)
select meter_id, ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at
from staging
order by meter_id, ts
on conflict do nothing;

-- name: conflicting seq: staging
select s.meter_id, (extract(epoch from s.ts) * 1000000)::bigint
from staging s
join reading r on r.meter_id = s.meter_id and r.ts = s.ts
where (s.register_l, s.flow_lph, s.pressure_kpa, s.temperature_c, s.battery_v, s.flags)
    is distinct from (r.register_l, r.flow_lph, r.pressure_kpa, r.temperature_c, r.battery_v, r.flags);

-- name: copy_arrival
copy arrival (meter_ids, ts_min, ts_max, readings, messages) from stdin (format binary);

-- name: wake_detection
select pg_notify('headwater_reading', '');

-- name: quarantine
insert into quarantine (received_at, topic, payload, reason, detail, meter)
select %(received_at)s, %(topic)s, %(payload)s, %(reason)s, %(detail)s, %(meter)s
where not (%(again)s and exists (
    select from quarantine q
    where sha256(q.payload) = sha256(%(payload)s) and q.topic = %(topic)s and q.reason = %(reason)s));

-- name: all_meters seq: meter
select id, serial, interval_s from meter;

-- name: some_meters
select id, serial, interval_s from meter where serial = any(%(serials)s);

-- name: load_clocks seq: meter_clock
select meter_id, (extract(epoch from high_water) * 1000000)::bigint,
    (extract(epoch from received_at) * 1000000)::bigint, skew_s
from meter_clock;

-- name: flush_clocks
insert into meter_clock as c (meter_id, high_water, received_at, skew_s)
select t.meter_id, t.high_water, t.received_at, t.skew_s
from unnest(%(meter_ids)s::int[], %(high_waters)s::timestamptz[], %(received)s::timestamptz[], %(skews)s::float4[])
    as t (meter_id, high_water, received_at, skew_s)
join meter m on m.id = t.meter_id
order by t.meter_id
on conflict (meter_id) do update set
    high_water = greatest(c.high_water, excluded.high_water),
    received_at = greatest(c.received_at, excluded.received_at),
    skew_s = excluded.skew_s;

-- name: listen_requeue
listen headwater_requeue;

-- name: asked_again
select id, received_at, topic, payload
from quarantine
where requeue_asked_at is not null and requeued_at is null
order by requeue_asked_at, id
limit 1
for update skip locked;

-- name: requeued
update quarantine set requeued_at = %(now)s
where id = %(id)s and received_at = %(received_at)s;

-- name: refused_again
update quarantine set requeue_asked_at = null, reason = %(reason)s, detail = %(detail)s, meter = %(meter)s
where id = %(id)s and received_at = %(received_at)s;
