-- name: made seq: usage_daily_made
select zone, until from usage_daily_made;

-- name: forget_days
truncate usage_daily, usage_daily_made;

-- name: begin
insert into usage_daily_made (zone, until) values (%(zone)s, %(day)s) on conflict (one) do nothing;

-- name: end
-- The last days are left to their hours: a transaction that writes one may have been open when it ended.
select ((least(%(at)s, now()) - %(rest)s::interval) at time zone %(zone)s)::date;

-- name: unmark
-- Their hours are seen by what follows; who marks one of these days again meets the row that follows.
delete from usage_daily where volume_l is null and day >= %(since)s and day < %(until)s;

-- name: make_days seq: usage_daily_made
with made as (
    update usage_daily_made set until = %(until)s where zone = %(zone)s and until = %(since)s returning 1
), put as (
    -- A day that has been marked since stays so, and is summed with the other marked ones.
    insert into usage_daily (meter_id, day, volume_l, hours, not_measured)
    select meter_id, (slot at time zone %(zone)s)::date as day, sum(volume_l), count(*), count(*) filter (where quality > 0)
    from usage_hourly
    where slot >= %(since)s::timestamp at time zone %(zone)s and slot < %(until)s::timestamp at time zone %(zone)s
        and exists (select from made)
    group by 1, 2
    on conflict (meter_id, day) do nothing
    returning 1
)
select count(*) from put;

-- name: lock_marked seq: usage_daily_made
select meter_id, day from usage_daily where volume_l is null and day < (select until from usage_daily_made where zone = %(zone)s)
order by day, meter_id limit %(limit)s for update skip locked;

-- name: sum_marked
update usage_daily d set volume_l = s.volume_l, hours = s.hours, not_measured = s.not_measured
from (
    select t.meter_id, t.day, coalesce(sum(u.volume_l), 0) as volume_l, count(u.slot) as hours,
        count(*) filter (where u.quality > 0) as not_measured
    from unnest(%(meters)s::int[], %(days)s::date[]) t (meter_id, day)
    left join usage_hourly u on u.meter_id = t.meter_id and u.slot >= t.day::timestamp at time zone %(zone)s
        and u.slot < (t.day + 1)::timestamp at time zone %(zone)s
    group by 1, 2) s
where d.meter_id = s.meter_id and d.day = s.day;
