-- The districts and the map. A district is seen as its months are.

-- name: dmas seq: dma, region
select d.code, d.name, r.code as region, d.connections, d.mains_km, d.min_pressure_kpa as service_min_kpa,
    c.customers as seen_customers, e.network_events, e.pressure_events, u.usual_night_lph, to_jsonb(m) as figures
from dma d
left join region r on r.id = d.region_id
cross join lateral (select count(*)::int as customers from customer c where c.dma_id = d.id) c
cross join lateral (
    select count(*) filter (where e.grp = 'network')::int as network_events,
        count(*) filter (where e.grp = 'pressure')::int as pressure_events
    from event e
    where e.dma_id = d.id and e.grp in ('network', 'pressure') and e.cleared_at is null and e.retracted_at is null
) e
left join lateral (
    select m.month, m.hours, m.inflow_hours, m.use_hours, m.inflow_m3, m.used_m3, m.lost_m3, m.lost_share, m.night_lph,
        m.customers, m.mean_kpa, m.minutes_below, m.peak_valley_kpa, m.uarl_l_day, m.ili, m.loss_rate, m.grade,
        m.made_at
    from dma_month m
    where m.dma_id = d.id and (%(month)s::date is null or m.month = %(month)s::date)
    order by m.month desc limit 1
) m on true
left join lateral (
    select percentile_cont(0.5) within group (order by b.night_lph) as usual_night_lph
    from dma_month b
    where b.dma_id = d.id and b.month < m.month and b.month >= m.month - interval '12 months'
) u on true
where d.code > %(after)s
    and (%(code)s::text is null or d.code = %(code)s)
    and (%(region)s::text is null or r.code = %(region)s)
    and ((select headwater_sees_all()) or d.id in (select headwater_dmas()))
order by d.code limit %(limit)s;

-- name: nights seq: dma
with zone as (
    select id, night_start, night_end from dma where code = %(code)s
), bound as (
    select m.id, case when m.kind = 'dma_inlet' or m.from_dma_id is not null then 1 else -1 end as sign
    from seen_zone_meter m where m.kind <> 'pressure' and m.dma_id = (select id from zone)
    union all
    select m.id, -1 from seen_zone_meter m where m.kind <> 'pressure' and m.from_dma_id = (select id from zone)
), hour as (
    select u.slot, sum(b.sign * u.volume_l) as lph
    from bound b
    cross join lateral (
        -- `offset 0`: meter by meter, else the hours of every district are read to be joined.
        select u.slot, u.volume_l, u.quality from seen_zone_usage u
        where u.meter_id = b.id and u.slot >= %(since)s and u.slot < %(until)s
        offset 0
    ) u
    group by u.slot having count(*) = (select count(*) from bound) and max(u.quality) < 2
)
select (h.slot at time zone %(timezone)s)::date as night, min(h.lph)::float8 as lph
from hour h, zone z
where (h.slot at time zone %(timezone)s)::time >= z.night_start
    and (h.slot at time zone %(timezone)s)::time < z.night_end
group by 1 order by 1;

-- name: pressures
select m.id, r.slot, r.kpa
from seen_zone_meter m
cross join lateral (
    select time_bucket('1 hour', r.ts - interval '1 microsecond') as slot, avg(r.pressure_kpa)::float4 as kpa
    from seen_zone_reading r
    where r.meter_id = m.id and r.ts > %(since)s and r.ts <= %(until)s and r.pressure_kpa is not null
    group by 1
) r
where m.kind = 'pressure' and m.dma_id = (select id from dma where code = %(code)s)
order by r.slot, m.id;

-- name: map_nodes seq: node
select node, elevation_m, x, y from node where x is not null and y is not null order by node;

-- name: map_pipes seq: pipe
select pipe, node1, node2, length_m, diameter_mm from pipe order by pipe;

-- name: map_lines seq: node, pipe
select a.x as x1, a.y as y1, b.x as x2, b.y as y2, coalesce(p.diameter_mm, 0)::float4 as mm
from pipe p join node a on a.node = p.node1 join node b on b.node = p.node2
where a.x is not null and a.y is not null and b.x is not null and b.y is not null;

-- name: map_own seq: dma, pipe
with own as materialized (select headwater_zone_nodes((select id from dma where code = %(code)s)) as node)
select a.x as x1, a.y as y1, b.x as x2, b.y as y2
from own first join pipe p on p.node1 = first.node join own last on last.node = p.node2
join node a on a.node = p.node1 join node b on b.node = p.node2
where a.x is not null and a.y is not null and b.x is not null and b.y is not null;

-- name: map_seats
select p.pipe as name, a.x as x1, a.y as y1, b.x as x2, b.y as y2
from pipe p join node a on a.node = p.node1 join node b on b.node = p.node2
where p.pipe = any (%(names)s) and a.x is not null and a.y is not null and b.x is not null and b.y is not null
union all
select n.node, n.x, n.y, n.x, n.y from node n
where n.node = any (%(names)s) and n.x is not null and n.y is not null;

-- name: map_revision seq: network
select coalesce(max(revision), 0) as revision from network;

-- name: map_meters seq: dma
select m.serial as meter, m.kind, d.code as dma, f.code as from_dma, m.node, coalesce(m.x, n.x) as x,
    coalesce(m.y, n.y) as y, d.min_pressure_kpa as service_min_kpa, l.pressure_kpa, l.ts as measured_at
from seen_zone_meter m
left join dma d on d.id = m.dma_id
left join dma f on f.id = m.from_dma_id
left join node n on n.node = m.node
left join lateral (
    select r.ts, r.pressure_kpa from seen_zone_reading r
    where m.kind = 'pressure' and r.meter_id = m.id and r.ts > %(since)s and r.ts <= %(until)s
        and r.pressure_kpa is not null
    order by r.ts desc limit 1
) l on true
where m.active and (%(code)s::text is null or d.code = %(code)s or f.code = %(code)s)
order by m.serial;

-- name: map_extent
select min(p.x) as left, min(p.y) as bottom, max(p.x) as right, max(p.y) as top
from (
    select coalesce(m.x, n.x) as x, coalesce(m.y, n.y) as y
    from seen_zone_meter m left join node n on n.node = m.node
    where m.dma_id = (select id from dma where code = %(code)s)
    union all
    select coalesce(p.x, n.x), coalesce(p.y, n.y)
    from service_point p left join node n on n.node = p.node
    where p.dma_id = (select id from dma where code = %(code)s)
) p;

-- name: map_places
select pipe, node1, node2, length_m, diameter_mm from pipe where pipe = any (%(names)s);

-- name: map_any seq: node
select true as mapped from node where x is not null and y is not null limit 1;

-- name: sensors
select m.id, m.serial from seen_zone_meter m
where m.kind = 'pressure' and m.dma_id = (select id from dma where code = %(code)s)
order by m.serial;

-- name: districts seq: dma
select code, name from dma order by code limit 5000;
