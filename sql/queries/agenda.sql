-- name: visited
select v.account_no, v.kind, v.cause, c.phone, c.email, last.id, last.done_at, last.outcome
from visit v
join customer c on c.account_no = v.account_no
left join lateral (
    select p.id, p.done_at, p.outcome from visit p
    where p.account_no = v.account_no and p.state = 'done' and p.kind <> 'inspection' and p.id <> v.id
    order by p.done_at desc limit 1) last on true
where v.id = %(id)s;

-- name: use_in
select s.n::int, sum(u.volume_l) / 1000 as used_m3, count(distinct u.slot) as hours
from service_point p
join meter_installation i on i.service_point_id = p.id
join meter m on m.id = i.meter_id and m.kind = 'customer'
cross join unnest(%(since)s::timestamptz[], %(until)s::timestamptz[]) with ordinality s (since, until, n)
cross join lateral (
    select h.slot, h.volume_l from seen_usage_hourly h
    where h.meter_id = i.meter_id and h.slot >= s.since and h.slot < s.until
        and h.slot >= i.installed_at and h.slot < i.removed_at
    offset 0) u  -- kept apart, so that the meter and the span reach the index behind the view
where p.account_no = %(account_no)s
group by s.n;

-- name: events_since
select e.id, e.grp, e.subject, e.onset, e.cleared_at, e.magnitude, e.unit, e.loss_m3, e.money
from event e
where e.account_no = %(account_no)s and e.retracted_at is null and e.suppressed_by is null
    and (e.cleared_at is null or e.detected_at >= %(since)s)
order by e.cleared_at is not null, e.detected_at desc limit %(limit)s;

-- name: tickets_since
select t.id, t.subject, t.grp, t.state, t.opened_at, t.resolution_due, t.resolved_at,
    exists (select from ticket_entry n where n.ticket_id = t.id and n.to_state = 'reopened') as reopened,
    (select s.satisfied from survey s where s.ticket_id = t.id and s.answered_at is not null
        order by s.round desc limit 1) as satisfied
from ticket t
where t.account_no = %(account_no)s and t.state <> 'merged'
    and (t.state in ('open', 'acknowledged', 'responded', 'reopened') or t.opened_at >= %(since)s
        or t.resolved_at >= %(since)s)
order by t.state in ('resolved', 'confirmed'), t.opened_at desc limit %(limit)s;

-- name: plan_standing
select p.plan_m3, f.used_m3, f.forecast_m3, f.low_m3, f.high_m3
from water_plan p
left join plan_forecast f on f.account_no = p.account_no and f.month = p.month
where p.account_no = %(account_no)s and p.month = %(month)s;

-- name: meters_heard
select m.serial, k.high_water
from service_point p
join meter_installation i on i.service_point_id = p.id and i.removed_at = 'infinity'
join meter m on m.id = i.meter_id and m.kind = 'customer' and m.active
left join meter_clock k on k.meter_id = m.id
where p.account_no = %(account_no)s
order by m.serial;

-- name: contact_doubts
select kind, field, why, opened_at from contact_check
where account_no = %(account_no)s and state = 'open' order by id;
