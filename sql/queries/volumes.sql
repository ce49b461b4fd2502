-- name: make_month
with of_meter as materialized (
    -- Sums over the month's chunks as they lie; only meters that came or went in the month are looked up one by one.
    select meter_id, sum(volume_l) as volume_l, count(*) as hours from usage_hourly
    where slot >= %(from)s and slot < %(until)s
    group by meter_id
), part as (
    select i.service_point_id, u.volume_l, u.hours
    from of_meter u
    join meter m on m.id = u.meter_id and m.kind = 'customer'
    join meter_installation i on i.meter_id = u.meter_id and i.installed_at <= %(from)s and i.removed_at >= %(until)s
    union all
    select i.service_point_id, u.volume_l, u.hours
    from meter_installation i
    join meter m on m.id = i.meter_id and m.kind = 'customer'
    cross join lateral (
        select sum(h.volume_l) as volume_l, count(*) as hours from usage_hourly h
        where h.meter_id = i.meter_id and h.slot >= %(from)s and h.slot < %(until)s
            and h.slot >= i.installed_at and h.slot < i.removed_at) u
    where i.installed_at < %(until)s and i.removed_at > %(from)s
        and (i.installed_at > %(from)s or i.removed_at < %(until)s) and u.hours > 0
), point as (
    select service_point_id, sum(volume_l) as volume_l, least(sum(hours), %(whole)s) as hours
    from part group by service_point_id
), put as (
    insert into customer_month as m (account_no, month, volume_l, hours, made_at)
    select p.account_no, %(month)s, sum(t.volume_l), max(t.hours), %(at)s
    from point t join service_point p on p.id = t.service_point_id
    where p.account_no is not null
    group by p.account_no
    on conflict (account_no, month) do update
        set volume_l = excluded.volume_l, hours = excluded.hours, made_at = excluded.made_at
        where (m.volume_l, m.hours) is distinct from (excluded.volume_l, excluded.hours)
    returning 1
)
select count(*) from put;

-- name: make_month_of
with point as (
    select p.account_no, p.id, sum(u.volume_l) as volume_l, least(sum(u.hours), %(whole)s) as hours
    from service_point p
    join meter_installation i on i.service_point_id = p.id and i.installed_at < %(until)s and i.removed_at > %(from)s
    join meter m on m.id = i.meter_id and m.kind = 'customer'
    cross join lateral (
        select sum(h.volume_l) as volume_l, count(*) as hours from usage_hourly h
        where h.meter_id = i.meter_id and h.slot >= %(from)s and h.slot < %(until)s
            and h.slot >= i.installed_at and h.slot < i.removed_at) u
    where p.account_no = any (%(accounts)s::text[]) and u.hours > 0
    group by p.account_no, p.id
), put as (
    insert into customer_month as m (account_no, month, volume_l, hours, made_at)
    select account_no, %(month)s, sum(volume_l), max(hours), %(at)s from point group by account_no
    on conflict (account_no, month) do update
        set volume_l = excluded.volume_l, hours = excluded.hours, made_at = excluded.made_at
        where (m.volume_l, m.hours) is distinct from (excluded.volume_l, excluded.hours)
    returning 1
)
select count(*) from put;

-- name: first_usage
select min(range_start) from timescaledb_information.chunks where hypertable_name = 'usage_hourly';

-- name: month_is_made
select exists (select from customer_month where month = %(month)s);

-- name: late_accounts
with late as (
    select r.meter_id, min(r.since) as since, max(r.until) as until
    from arrival a cross join lateral unnest(a.meter_ids, a.ts_min, a.ts_max) r (meter_id, since, until)
    where a.at >= %(heard_since)s and r.since < %(before)s
    group by r.meter_id
)
select distinct p.account_no, s.month::date
from late l
join meter_installation i on i.meter_id = l.meter_id
join service_point p on p.id = i.service_point_id and p.account_no is not null
cross join lateral generate_series(
    date_trunc('month', greatest(l.since, %(first)s) at time zone %(zone)s),
    least(l.until, %(before)s) at time zone %(zone)s - interval '1 us', interval '1 month') s (month)
order by s.month::date, p.account_no;
