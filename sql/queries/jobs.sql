-- name: lock_run
select pg_try_advisory_lock(hashtextextended(%(key)s, 0));

-- name: claim_run
insert into job_run (job, due_at, worker, started_at) values (%(job)s, %(due_at)s, %(worker)s, %(now)s)
on conflict (job, due_at) do update set worker = excluded.worker, started_at = excluded.started_at,
    finished_at = null, ok = null, detail = '', attempts = job_run.attempts + 1
where job_run.attempts < %(attempts)s and (job_run.finished_at is null
    or not job_run.ok and job_run.started_at < %(tried_before)s)
returning job;

-- name: finish_run
update job_run set finished_at = started_at + %(took_s)s * interval '1 s', ok = %(ok)s, detail = %(detail)s
where job = %(job)s and due_at = %(due_at)s;

-- name: last_run
select due_at from job_run where job = %(job)s order by due_at desc limit 1;

-- name: runs_to_retry
select due_at from job_run
where job = %(job)s and attempts < %(attempts)s and ok is not true
    and (finished_at is null or started_at < %(tried_before)s)
order by due_at;

-- name: declare_job
insert into job (name, about, cron, zone, next_due_at, seen_at)
values (%(name)s, %(about)s, %(cron)s, %(zone)s, %(next_due_at)s, %(now)s)
on conflict (name) do update set about = excluded.about, cron = excluded.cron, zone = excluded.zone,
    next_due_at = excluded.next_due_at, seen_at = excluded.seen_at;

-- name: forget_jobs seq: job
delete from job where name <> all (%(names)s);

-- name: drop_old_chunks
select count(*) from drop_chunks(%(table)s::regclass, older_than => %(before)s::timestamptz);

-- name: forget_arrivals
with gone as (delete from arrival where at < %(before)s returning 1) select count(*) from gone;

-- name: forget_runs
with gone as (delete from job_run where started_at < %(before)s returning 1) select count(*) from gone;

-- name: forget_sessions
with gone as (delete from session where expires_at < %(before)s returning 1) select count(*) from gone;

-- name: forget_deeds
with gone as (delete from idempotency where at <= %(before)s returning 1) select count(*) from gone;

-- name: forget_secrets
with gone as (
    update outbox set state = 'dead', last_error = 'its code or link was over before it could be sent'
    where state = 'pending' and kind in ('contact_code', 'password') and created_at <= %(before)s returning 1)
select count(*) from gone;

-- name: forget_changes
with gone as (delete from change where at < %(before)s and seq < (select newest from change_range()) returning 1)
select count(*) from gone;

-- name: forget_change_notes
with gone as (delete from change_note where at < %(before)s returning 1) select count(*) from gone;

-- name: policies seq: detector_policy
select id, detector, scope, scope_key, params, enabled, nullif(valid_from, '-infinity'),
    nullif(valid_until, 'infinity'), exemption, why, created_by, ended_by
from detector_policy
where %(at)s::timestamptz is null or (valid_from <= %(at)s and valid_until > %(at)s)
order by id;

-- name: zone_utility seq: utility
select timezone from utility;

-- name: dma_balance seq: dma, meter, meter_installation, service_point, customer
with bound as (
    select m.id, m.dma_id, case when m.kind = 'dma_inlet' or m.from_dma_id is not null then 1 else -1 end as sign
    from meter m where m.kind in ('dma_inlet', 'dma_outlet', 'storage') and m.dma_id is not null
    union all
    select m.id, m.from_dma_id, -1
    from meter m where m.kind in ('dma_inlet', 'dma_outlet', 'storage') and m.from_dma_id is not null
), members as (
    select dma_id, count(*) as n from bound group by dma_id
), inflow as (
    select b.dma_id, u.slot, sum(b.sign * u.volume_l) as volume_l
    from bound b
    join members n on n.dma_id = b.dma_id
    join usage_hourly u on u.meter_id = b.id and u.slot >= %(from)s and u.slot < %(until)s
    group by b.dma_id, u.slot, n.n
    having count(*) = n.n and max(u.quality) < 2
), held as (
    select m.id, coalesce(p.dma_id, c.dma_id, m.dma_id) as dma_id, coalesce(c.sector, '') = 'residential' as home
    from meter m
    left join meter_installation i on i.meter_id = m.id and i.removed_at = 'infinity'
    left join service_point p on p.id = i.service_point_id
    left join customer c on c.account_no = p.account_no
    where m.kind = 'customer'
), use as (
    select h.dma_id, u.slot, sum(u.volume_l) as volume_l, sum(u.volume_l) filter (where h.home) as home_l,
        count(*) filter (where u.quality < 2) as heard
    from held h
    join members n on n.dma_id = h.dma_id
    join usage_hourly u on u.meter_id = h.id and u.slot >= %(from)s and u.slot < %(until)s
    group by h.dma_id, u.slot
), customers as (
    select dma_id, count(*) as n from held group by dma_id
)
select d.id, coalesce(max(c.n), 0)::int as customers, d.connections, d.mains_km,
    count(i.slot)::int as inflow_hours, sum(i.volume_l) as inflow_l,
    percentile_cont(0.5) within group (order by i.volume_l) filter (
        where (i.slot at time zone %(timezone)s)::time >= d.night_start
            and (i.slot at time zone %(timezone)s)::time < d.night_end) as night_lph,
    count(i.slot) filter (where s.heard >= 0.9 * c.n)::int as use_hours,
    sum(i.volume_l) filter (where s.heard >= 0.9 * c.n) as both_inflow_l,
    sum(s.volume_l) filter (where s.heard >= 0.9 * c.n) as both_used_l,
    sum(s.home_l) filter (where s.heard >= 0.9 * c.n) as both_home_l
from dma d
left join inflow i on i.dma_id = d.id
left join customers c on c.dma_id = d.id
left join use s on s.dma_id = d.id and s.slot = i.slot
group by d.id, d.connections, d.mains_km;

-- name: pressure_quality seq: meter, dma
with sensor as (
    select m.id, m.dma_id, m.interval_s, d.min_pressure_kpa
    from meter m join dma d on d.id = m.dma_id where m.kind = 'pressure'
), hour as (
    select s.id, s.dma_id, s.interval_s, s.min_pressure_kpa, h.*
    from sensor s
    cross join lateral (
        -- A reading carries the time of its slot's end.
        select date_trunc('hour', r.ts - interval '1 microsecond') as slot, avg(r.pressure_kpa) as kpa,
            count(*) as n, count(*) filter (where r.pressure_kpa < s.min_pressure_kpa) as below,
            min(r.pressure_kpa) as lowest
        from reading r
        where r.meter_id = s.id and r.ts > %(from)s and r.ts <= %(until)s and r.pressure_kpa is not null
        group by 1
    ) h
), day as (
    select id, (slot at time zone %(timezone)s)::date as day, max(kpa) - min(kpa) as spread
    from hour group by 1, 2
)
select h.id, h.dma_id, (sum(h.n) * min(h.interval_s) / 60)::int as minutes_known,
    case when min(h.min_pressure_kpa) is not null then (sum(h.below) * min(h.interval_s) / 60)::int end as minutes_below,
    min(h.min_pressure_kpa) as service_min_kpa, sum(h.kpa * h.n) / sum(h.n) as mean_kpa, min(h.lowest)::float8 as lowest_kpa,
    (select avg(d.spread) from day d where d.id = h.id) as peak_valley_kpa
from hour h
group by h.id, h.dma_id;

-- name: put_dma_month
insert into dma_month (dma_id, month, hours, inflow_hours, use_hours, inflow_m3, used_m3, lost_m3, lost_share,
    night_lph, customers, mean_kpa, minutes_below, peak_valley_kpa, uarl_l_day, ili, loss_rate, grade, made_at)
values (%(dma_id)s, %(month)s, %(hours)s, %(inflow_hours)s, %(use_hours)s, %(inflow_m3)s, %(used_m3)s, %(lost_m3)s,
    %(lost_share)s, %(night_lph)s, %(customers)s, %(mean_kpa)s, %(minutes_below)s, %(peak_valley_kpa)s,
    %(uarl_l_day)s, %(ili)s, %(loss_rate)s, %(grade)s, %(made_at)s)
on conflict (dma_id, month) do update set hours = excluded.hours, inflow_hours = excluded.inflow_hours,
    use_hours = excluded.use_hours, inflow_m3 = excluded.inflow_m3, used_m3 = excluded.used_m3,
    lost_m3 = excluded.lost_m3, lost_share = excluded.lost_share, night_lph = excluded.night_lph,
    customers = excluded.customers, mean_kpa = excluded.mean_kpa, minutes_below = excluded.minutes_below,
    peak_valley_kpa = excluded.peak_valley_kpa, uarl_l_day = excluded.uarl_l_day, ili = excluded.ili,
    loss_rate = excluded.loss_rate, grade = excluded.grade, made_at = excluded.made_at;

-- name: put_pressure_month
insert into pressure_month (meter_id, month, dma_id, minutes_known, minutes_below, service_min_kpa, mean_kpa,
    lowest_kpa, peak_valley_kpa, made_at)
values (%(id)s, %(month)s, %(dma_id)s, %(minutes_known)s, %(minutes_below)s, %(service_min_kpa)s, %(mean_kpa)s,
    %(lowest_kpa)s, %(peak_valley_kpa)s, %(made_at)s)
on conflict (meter_id, month) do update set dma_id = excluded.dma_id, minutes_known = excluded.minutes_known,
    minutes_below = excluded.minutes_below, service_min_kpa = excluded.service_min_kpa,
    mean_kpa = excluded.mean_kpa, lowest_kpa = excluded.lowest_kpa, peak_valley_kpa = excluded.peak_valley_kpa,
    made_at = excluded.made_at;
