-- name: ingest_minutes
select date_bin('1 minute', a.at, '2000-01-01 00:00:00+00') as minute, sum(a.readings) as readings, sum(a.messages) as messages
from seen_arrival a where a.at > %(since)s and a.at <= %(at)s
group by 1 order by 1;

-- name: ingest_lag
select l.last_at, l.sampled, l.lag[1] as p50_s, l.lag[2] as p99_s
from (
    select max(b.at) as last_at, count(*) as sampled,
        percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from b.at - t.hi)) as lag
    from (select a.at, a.ts_max from seen_arrival a where a.at > %(since)s and a.at <= %(at)s order by a.at desc limit 200) b
    cross join lateral unnest(b.ts_max) t (hi)
) l;

-- name: ingest_last
select max(a.at) as last_at from seen_arrival a where a.at <= %(at)s;

-- name: backlogs seq: feed_position
select p.consumer, p.moved_at,
    case p.consumer when 'detect' then arrivals_waiting(p.seen) else turns_waiting(p.seen) end as waiting_since
from feed_position p where p.consumer in ('detect', 'notify.tickets')
order by p.consumer;

-- name: quarantined
select (q.received_at at time zone %(zone)s)::date as day, q.reason, count(*) as payloads
from seen_quarantine q where q.received_at >= %(since)s
group by 1, 2 order by 1 desc, 3 desc, 2;

-- name: outbox
select o.channel, count(*) filter (where o.state = 'pending') as pending,
    count(*) filter (where o.state = 'pending' and o.not_before <= %(at)s) as due,
    min(o.not_before) filter (where o.state = 'pending' and o.not_before <= %(at)s) as due_since,
    count(*) filter (where o.state = 'held') as held, count(*) filter (where o.state = 'dead') as dead,
    count(*) filter (where o.state = 'bounced') as bounced, count(*) filter (where o.state = 'unknown') as unknown,
    min(o.created_at) filter (where o.state = 'pending') as oldest_pending,
    min(o.created_at) filter (where o.state in ('dead', 'bounced', 'unknown')) as oldest_failed
from (
    select channel, state, not_before, created_at from outbox where state = 'pending'
    union all
    select channel, state, not_before, created_at from outbox where state = 'held'
    union all
    select channel, state, not_before, created_at from outbox where state in ('dead', 'bounced', 'unknown')
) o
group by o.channel order by o.channel;

-- name: silent
select m.id, m.serial as meter, m.kind, m.interval_s, (select d.code from dma d where d.id = m.dma_id) as dma,
    p.account_no, p.address, k.received_at as heard_at, k.high_water as last_reading_at
from meter m
left join meter_clock k on k.meter_id = m.id
left join meter_installation i on i.meter_id = m.id and i.removed_at = 'infinity'
left join service_point p on p.id = i.service_point_id
where m.id > %(after)s and m.active
    and (%(dma)s::text is null or m.dma_id = (select id from dma where code = %(dma)s))
    and coalesce(k.received_at, '-infinity') < %(at)s::timestamptz
        - greatest(m.interval_s * %(intervals)s, %(least_s)s) * interval '1 s'
order by m.id limit %(limit)s;

-- name: silent_dmas seq: meter, meter_clock, dma, region
select d.code as dma, d.name, r.code as region, s.meters, s.silent, s.longest_since
from (
    select m.dma_id, count(*) as meters, count(*) filter (where l.silent) as silent,
        min(k.received_at) filter (where l.silent) as longest_since
    from meter m
    left join meter_clock k on k.meter_id = m.id
    cross join lateral (select coalesce(k.received_at, '-infinity') < %(at)s::timestamptz
        - greatest(m.interval_s * %(intervals)s, %(least_s)s) * interval '1 s' as silent) l
    where m.active
    group by m.dma_id
) s
left join dma d on d.id = s.dma_id
left join region r on r.id = d.region_id
where s.silent > 0
order by s.silent desc, d.code;
