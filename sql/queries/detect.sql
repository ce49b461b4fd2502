-- name: utility seq: utility
select timezone, country, price_m3 from utility;

-- name: plans seq: water_plan
select account_no, to_char(month, 'YYYY-MM'), plan_m3 from water_plan where month >= current_date - 400;

-- name: sites seq: meter, meter_installation, service_point, customer, dma
select m.id, m.serial, m.kind, m.interval_s,
    coalesce(d.id, -1), coalesce(d.code, ''),
    coalesce(c.account_no, ''), coalesce(c.sector, ''), coalesce(c.segment, ''),
    coalesce(c.dwellings, 1), coalesce(c.shifts, ''), coalesce(p.id, -1),
    coalesce(m.q3_lph, 'NaN'), coalesce(m.resolution_l, 'NaN'), coalesce(m.register_modulus_l, 'NaN'),
    coalesce(d.min_pressure_kpa, 'NaN'), coalesce(c.tariff_price_m3, %(price_m3)s),
    coalesce(m.from_dma_id, -1), coalesce(m.x, p.x, 'NaN'), coalesce(m.y, p.y, 'NaN'),
    coalesce(m.elevation_m, p.elevation_m, 'NaN'), coalesce(m.node, p.node, ''),
    coalesce(extract(epoch from d.night_start)::int / 60, 120),
    coalesce(extract(epoch from d.night_end)::int / 60, 240),
    coalesce(d.connections::float4, 'NaN'), coalesce(d.mains_km, 'NaN'),
    coalesce(c.household_size::float4, 'NaN'), coalesce(c.lives_alone, false)
from meter m
left join meter_installation i on i.meter_id = m.id and i.removed_at = 'infinity'
left join service_point p on p.id = i.service_point_id
left join customer c on c.account_no = p.account_no
left join dma d on d.id = coalesce(m.dma_id, p.dma_id, c.dma_id);

-- name: districts seq: dma
select id, code, coalesce(min_pressure_kpa, 'NaN'), extract(epoch from night_start)::int / 60,
    extract(epoch from night_end)::int / 60, coalesce(connections::float4, 'NaN'), coalesce(mains_km, 'NaN')
from dma;

-- name: network_revision seq: network
select revision from network;

-- name: network_model seq: network
select inp from network;

-- name: nodes seq: node
select node, coalesce(elevation_m, 'NaN'), coalesce(x, 'NaN'), coalesce(y, 'NaN') from node;

-- name: pipes seq: pipe
select pipe, node1, node2, coalesce(length_m, 'NaN'), coalesce(diameter_mm, 'NaN') from pipe;

-- name: policies seq: detector_policy
select id, detector, scope, scope_key, params, enabled,
    case when isfinite(valid_from) then extract(epoch from valid_from)::bigint end,
    case when isfinite(valid_until) then extract(epoch from valid_until)::bigint end,
    exemption
from detector_policy;

-- name: outages seq: outage, outage_dma, outage_subject
select o.id, o.code, array(select a.dma_id from outage_dma a where a.outage_id = o.id),
    array(select s.service_point_id from outage_subject s where s.outage_id = o.id),
    extract(epoch from coalesce(o.started_at, o.starts_at))::bigint,
    extract(epoch from case when o.state = 'cancelled' then o.starts_at - interval '1 day'
        else coalesce(o.ended_at, o.expected_end) end)::bigint, o.event_id
from outage o
where o.state <> 'draft' and coalesce(o.ended_at, o.expected_end) >= to_timestamp(%(since_s)s);

-- name: arrived
select t.meter_id, min(t.lo) as lo, max(t.hi) as hi
from arrival a
cross join unnest(a.meter_ids, a.ts_min, a.ts_max) as t (meter_id, lo, hi)
where a.xid >= (pg_snapshot_xmin(%(seen)s::pg_snapshot)::text)::xid8
    and not pg_visible_in_snapshot(a.xid, %(seen)s::pg_snapshot)
group by t.meter_id;

-- name: newest_reading
select extract(epoch from ts)::bigint from reading order by ts desc limit 1;

-- name: newest_usage
select extract(epoch from max(u.slot))::bigint
from unnest(%(meter_ids)s::int[]) as t (meter_id)
cross join lateral (
    select slot from usage_hourly
    where usage_hourly.meter_id = t.meter_id and slot >= to_timestamp(%(since_s)s::bigint)
    order by slot desc limit 1
) u;

-- name: readings_between
select r.meter_id, r.ts, coalesce(r.register_l, 'NaN'), coalesce(r.flow_lph, 'NaN'), coalesce(r.pressure_kpa, 'NaN'),
    coalesce(r.battery_v, 'NaN'), r.flags, r.received_at
from unnest(%(meter_ids)s::int[], %(lo_s)s::bigint[], %(hi_s)s::bigint[]) as t (meter_id, lo_s, hi_s)
cross join lateral (
    select * from reading
    where reading.meter_id = t.meter_id
        and ts >= to_timestamp(t.lo_s) and ts < to_timestamp(t.hi_s)
        and ts >= to_timestamp(%(from_s)s::bigint) and ts < to_timestamp(%(until_s)s::bigint)
) r;

-- name: readings_before
select r.meter_id, r.ts, coalesce(r.register_l, 'NaN'), coalesce(r.flow_lph, 'NaN'), coalesce(r.pressure_kpa, 'NaN'),
    coalesce(r.battery_v, 'NaN'), r.flags, r.received_at
from unnest(%(meter_ids)s::int[], %(at_s)s::bigint[]) as t (meter_id, at_s)
cross join lateral (
    select * from reading
    where reading.meter_id = t.meter_id and ts < to_timestamp(t.at_s) and ts >= to_timestamp(%(from_s)s::bigint)
    order by ts desc
    limit %(most)s::int
) r;

-- name: readings_after
select r.meter_id, r.ts, coalesce(r.register_l, 'NaN'), coalesce(r.flow_lph, 'NaN'), coalesce(r.pressure_kpa, 'NaN'),
    coalesce(r.battery_v, 'NaN'), r.flags, r.received_at
from unnest(%(meter_ids)s::int[], %(at_s)s::bigint[]) as t (meter_id, at_s)
cross join lateral (
    select * from reading
    where reading.meter_id = t.meter_id and ts >= to_timestamp(t.at_s)
    order by ts
    limit %(most)s::int
) r;

-- name: usage_since
select meter_id, slot, volume_l, quality from usage_hourly where slot >= to_timestamp(%(since_s)s::bigint);

-- name: stage_usage
create temporary table if not exists usage_news (
    meter_id int not null, slot timestamptz not null, volume_l float8 not null, quality smallint not null
) on commit delete rows;

-- name: copy_usage
copy usage_news (meter_id, slot, volume_l, quality) from stdin (format binary);

-- name: copy_usage_direct
copy usage_hourly (meter_id, slot, volume_l, quality) from stdin (format binary);

-- name: merge_usage
/* usage_news is a temporary table */ with merged as (
    insert into usage_hourly as u (meter_id, slot, volume_l, quality)
    select meter_id, slot, volume_l, quality from usage_news
    on conflict (meter_id, slot) do update set volume_l = excluded.volume_l, quality = excluded.quality
    where u.quality <> 3 and (u.volume_l, u.quality) is distinct from (excluded.volume_l, excluded.quality)
    returning meter_id, slot
)
-- A day that is over is marked, whether it has been summed or not: the sum may have come since this snapshot.
insert into usage_daily as d (meter_id, day)
select distinct m.meter_id, (m.slot at time zone z.zone)::date
from merged m cross join (select coalesce((select timezone from utility), 'UTC') as zone) z
where m.slot < date_trunc('day', now() at time zone z.zone) at time zone z.zone
on conflict (meter_id, day) do update set volume_l = null where d.volume_l is not null

-- name: heard seq: meter_clock
select meter_id, received_at from meter_clock;

-- name: days_since
select meter_id, day, coalesce(battery_v, 'NaN'), coalesce(skew_s, 'NaN'), motion
from meter_day where day > to_timestamp(%(since_s)s::bigint) - interval '1 day';

-- name: stage_days
create temporary table if not exists day_news (
    meter_id int not null, day timestamptz not null, battery_v float4, skew_s float4, motion smallint not null
) on commit delete rows;

-- name: copy_days
copy day_news (meter_id, day, battery_v, skew_s, motion) from stdin (format binary);

-- name: merge_days
/* day_news is a temporary table */ insert into meter_day as d (meter_id, day, battery_v, skew_s, motion)
select meter_id, day, nullif(min(battery_v), 'NaN'), nullif(min(skew_s), 'NaN'), bit_or(motion) from day_news group by 1, 2
on conflict (meter_id, day) do update set battery_v = least(d.battery_v, excluded.battery_v),
    skew_s = least(d.skew_s, excluded.skew_s), motion = d.motion | excluded.motion

-- name: remembered_events seq: event
select id, subject_kind, subject, grp, epoch, detectors, meter_id, account_no, dma_id,
    extract(epoch from onset)::bigint, extract(epoch from detected_at)::bigint,
    extract(epoch from last_seen)::bigint, extract(epoch from cleared_at)::bigint,
    severity, magnitude, unit, loss_m3, money, evidence, episodes, announced, suppressed_by,
    extract(epoch from retracted_at)::bigint
from event
where (cleared_at is null and retracted_at is null) or greatest(last_seen, cleared_at) >= to_timestamp(%(since_s)s)
    or (grp = 'network' and greatest(last_seen, cleared_at) >= to_timestamp(%(network_since_s)s));

-- name: judged_events seq: event_verdict
select e.episodes from event_verdict v join event e on e.id = v.event_id
where v.undone_at is null and e.retracted_at is null
    and coalesce(e.cleared_at, e.last_seen) >= to_timestamp(%(since_s)s);

-- name: epochs seq: event
select subject_kind, subject, grp, max(epoch) from event group by subject_kind, subject, grp;

-- name: insert_event
insert into event (subject_kind, subject, grp, epoch, detectors, meter_id, account_no, dma_id, onset, detected_at,
    last_seen, cleared_at, severity, magnitude, unit, loss_m3, money, evidence, episodes, announced,
    suppressed_by, retracted_at)
values (%(subject_kind)s, %(subject)s, %(grp)s, %(epoch)s, %(detectors)s, %(meter_id)s, %(account_no)s, %(dma_id)s,
    %(onset)s, %(detected_at)s, %(last_seen)s, %(cleared_at)s, %(severity)s, %(magnitude)s, %(unit)s,
    %(loss_m3)s, %(money)s, %(evidence)s, %(episodes)s, %(announced)s, %(suppressed_by)s, %(retracted_at)s)
returning id;

-- name: update_event
update event set detectors = %(detectors)s, meter_id = %(meter_id)s, account_no = %(account_no)s, dma_id = %(dma_id)s,
    onset = %(onset)s, detected_at = %(detected_at)s, last_seen = %(last_seen)s, cleared_at = %(cleared_at)s,
    severity = %(severity)s, magnitude = %(magnitude)s, unit = %(unit)s, loss_m3 = %(loss_m3)s,
    money = %(money)s, evidence = %(evidence)s, episodes = %(episodes)s, announced = %(announced)s,
    suppressed_by = %(suppressed_by)s, retracted_at = %(retracted_at)s, revision = revision + 1,
    updated_at = now()
where id = %(id)s;

-- name: enter
insert into event_entry (event_id, kind, why, detail) values (%(event_id)s, %(kind)s, %(why)s, %(detail)s);

-- name: wake_notifier
select pg_notify('headwater_event', '');

-- name: listen
listen headwater_reading;

-- name: calm
select set_config('statement_timeout', %(timeout)s, true), set_config('transaction_read_only', 'on', true);

-- name: hourly_before
select meter_id, slot, volume_l, quality from usage_hourly
where meter_id = any(%(meter_ids)s) and slot >= to_timestamp(%(from_s)s) and slot < to_timestamp(%(until_s)s);

-- name: use_before
select s.seat, u.slot, sum(u.volume_l) as used_l, (count(*) filter (where u.quality <> 2))::int as heard
from unnest(%(meter_ids)s::int[], %(seats)s::bigint[]) as s (meter_id, seat)
join usage_hourly u on u.meter_id = s.meter_id
where u.slot >= to_timestamp(%(from_s)s) and u.slot < to_timestamp(%(until_s)s)
group by s.seat, u.slot;

-- name: pressures_before
select s.id as meter_id, h.slot, h.kpa, h.n
from unnest(%(meter_ids)s::int[], %(until_s)s::bigint[]) as s (id, until_s)
cross join lateral (
    -- A reading carries the time of its slot's end, give or take a tenth of an interval.
    select date_trunc('hour', r.ts - interval '30 seconds') as slot, avg(r.pressure_kpa)::float8 as kpa, count(*)::int as n
    from reading r
    where r.meter_id = s.id and r.ts > to_timestamp(%(from_s)s) and r.ts <= to_timestamp(s.until_s)
        and r.pressure_kpa is not null
    group by 1
) h;
