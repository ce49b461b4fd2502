-- Every column that a series is made of is read by binary COPY: of one width, no NULL (NaN stands for it).
-- A day is the number of days since 2000-01-01. A reading carries the time of its end: one at 08:00 belongs to
-- the hour that began at 07:00. What is not `sorted` isn't sorted at all: a constant is no order.

-- name: meters_by_serial
select id, serial, interval_s from meter where serial = any (%(serials)s) order by id;

-- name: meters_of_dma
select m.id, m.serial, m.interval_s from meter m where m.dma_id = (select id from dma where code = %(dma)s) order by m.id;

-- name: dma_known
select from dma where code = %(dma)s;

-- name: customer_known
select from customer where account_no = %(account_no)s;

-- name: meters_of_customer
select m.id, m.serial, m.interval_s, greatest(i.installed_at, %(since)s), least(i.removed_at, %(until)s)
from service_point p
join meter_installation i on i.service_point_id = p.id
join meter m on m.id = i.meter_id
where p.account_no = %(account_no)s and i.installed_at < %(until)s and i.removed_at > %(since)s
order by m.id, i.installed_at;

-- name: reading_raw
select meter_id, ts, coalesce(register_l, 'NaN'), coalesce(flow_lph, 'NaN'), coalesce(pressure_kpa, 'NaN'),
    coalesce(temperature_c, 'NaN'), coalesce(battery_v, 'NaN'), flags, received_at
from seen_reading
where meter_id = any (%(meter_ids)s::int[]) and ts > %(since)s and ts <= %(until)s
order by case when %(sorted)s then meter_id end, case when %(sorted)s then ts end limit %(limit)s;

-- name: reading_hour
select meter_id, time_bucket('1 hour', ts - interval '1 microsecond') as slot, count(*)::int,
    coalesce(last(register_l, ts) filter (where register_l is not null), 'NaN'),
    coalesce(avg(flow_lph), 'NaN')::float4, coalesce(avg(pressure_kpa), 'NaN')::float4,
    coalesce(min(pressure_kpa), 'NaN'), coalesce(max(pressure_kpa), 'NaN'),
    coalesce(avg(temperature_c), 'NaN')::float4, coalesce(min(battery_v), 'NaN'), bit_or(flags)
from seen_reading
where meter_id = any (%(meter_ids)s::int[]) and ts > %(since)s and ts <= %(until)s
group by 1, 2 order by 1, 2;

-- name: reading_days
select meter_id,
    (time_bucket(%(width)s::interval, ts - interval '1 microsecond', %(zone)s) at time zone %(zone)s)::date
        - date '2000-01-01' as day,
    count(*)::int, coalesce(last(register_l, ts) filter (where register_l is not null), 'NaN'),
    coalesce(avg(flow_lph), 'NaN')::float4, coalesce(avg(pressure_kpa), 'NaN')::float4,
    coalesce(min(pressure_kpa), 'NaN'), coalesce(max(pressure_kpa), 'NaN'),
    coalesce(avg(temperature_c), 'NaN')::float4, coalesce(min(battery_v), 'NaN'), bit_or(flags)
from seen_reading
where meter_id = any (%(meter_ids)s::int[]) and ts > %(since)s and ts <= %(until)s
group by 1, 2 order by 1, 2;

-- name: usage_hour
select meter_id, slot, volume_l, quality
from seen_usage_hourly
where meter_id = any (%(meter_ids)s::int[]) and slot >= %(since)s and slot < %(until)s
order by case when %(sorted)s then meter_id end, case when %(sorted)s then slot end limit %(limit)s;

-- name: usage_days
select meter_id,
    (time_bucket(%(width)s::interval, slot, %(zone)s) at time zone %(zone)s)::date - date '2000-01-01' as day,
    sum(volume_l), count(*)::int, (count(*) filter (where quality > 0))::int
from seen_usage_hourly
where meter_id = any (%(meter_ids)s::int[]) and slot >= %(since)s and slot < %(until)s
group by 1, 2 order by 1, 2;
