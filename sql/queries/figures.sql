-- name: make_figures seq: region
with who_uses as not materialized (
    select c.account_no, c.segment, coalesce(s.login, '') as login, coalesce(d.region_id, 0) as region_id,
        coalesce(c.tariff_price_m3, u.price_m3, 0) as price_m3
    from customer c
    left join staff s on s.id = c.manager_id
    left join dma d on d.id = c.dma_id
    left join utility u on u.one
), round as materialized (
    select * from service_rounds(%(from)s, %(until)s, %(at)s)
), opinion as materialized (
    select coalesce(p.login, '') as login, coalesce(d.region_id, 0) as region_id, coalesce(c.segment, '') as segment,
        s.sent_at, s.answered_at, s.satisfied, s.score
    from survey s
    join ticket t on t.id = s.ticket_id
    left join customer c on c.account_no = s.account_no
    left join dma d on d.id = coalesce(t.dma_id, c.dma_id)
    left join staff p on p.id = coalesce(s.resolved_by, t.assignee_id)
    where s.sent_at >= %(from)s and s.sent_at < %(until)s or s.answered_at >= %(from)s and s.answered_at < %(until)s
), visited as materialized (
    -- Of the month in which they were first planned: put off, a visit doesn't leave it. Each is done, put off to a day to
    -- come, or overdue.
    select coalesce(p.login, '') as login, w.region_id, w.segment, v.state = 'done' as done,
        v.state = 'done' and (v.done_at at time zone %(zone)s)::date <= v.due_on as on_time,
        v.state <> 'done' and v.due_on >= (%(at)s::timestamptz at time zone %(zone)s)::date as postponed
    from visit v
    join who_uses w on w.account_no = v.account_no
    left join staff p on p.id = v.manager_id
    where coalesce(v.planned_on, v.due_on) >= %(month)s
        and coalesce(v.planned_on, v.due_on) < %(month)s::date + interval '1 month'
        and (v.state = 'done' or v.state in ('due', 'postponed')
            and least(v.planned_on, v.due_on) < (%(at)s::timestamptz at time zone %(zone)s)::date)
), usual as materialized (
    select grp, percentile_cont(0.5) within group (order by extract(epoch from cleared_at - onset) / 3600) as hours
    from event e
    where cleared_at >= %(year_before)s and cleared_at < %(from)s and unit = 'L/h' and retracted_at is null
        and suppressed_by is null and not exists (select from event_verdict v
            where v.event_id = e.id and v.undone_at is null and v.verdict = 'normal')
    group by grp having count(*) >= %(baseline_events)s
), ended as (
    select e.id, e.magnitude * greatest(0, coalesce(b.hours, %(baseline_h)s)
            - extract(epoch from e.cleared_at - e.onset) / 3600) / 1000 as saved_m3,
        coalesce(p.login, w.login, '') as login, coalesce(d.region_id, w.region_id, 0) as region_id,
        coalesce(w.segment, '') as segment, coalesce(w.price_m3, u.price_m3, 0) as price_m3
    from event e
    join event_verdict v on v.event_id = e.id and v.undone_at is null and v.verdict = 'confirmed'
    left join usual b on b.grp = e.grp
    left join who_uses w on w.account_no = e.account_no
    left join dma d on d.id = e.dma_id
    left join ticket_event te on te.event_id = e.id
    left join ticket t on t.id = te.ticket_id
    left join staff p on p.id = t.assignee_id
    left join utility u on u.one
    where e.cleared_at >= %(from)s and e.cleared_at < %(until)s and e.unit = 'L/h' and e.retracted_at is null
), saved as materialized (
    select login, region_id, segment, count(*) as events, sum(saved_m3) as m3, sum(saved_m3 * price_m3) as money
    from ended group by login, region_id, segment
), sold as materialized (
    select w.login, w.region_id, w.segment, count(*) as customers, sum(m.volume_l) / 1000 as m3,
        sum(m.volume_l / 1000 * w.price_m3) as money, count(p.plan_m3) as planned,
        count(*) filter (where m.volume_l / 1000 <= p.plan_m3) as within
    from customer_month m
    join who_uses w on w.account_no = m.account_no
    left join water_plan p on p.account_no = m.account_no and p.month = m.month
    where m.month = %(month)s
    group by w.login, w.region_id, w.segment
), who as (
    select login, region_id, segment from round union select login, region_id, segment from opinion
    union select login, region_id, segment from visited union select login, region_id, segment from saved
    union select login, region_id, segment from sold
), member as materialized (
    select who.login, who.region_id, who.segment, k.dimension, k.key
    from who cross join lateral figure_keys(who.login, who.region_id, who.segment) k
), of_tickets as (
    select dimension, key, count(*) filter (where round = 1) as opened,
        count(*) filter (where response = 'kept') as response_kept,
        count(*) filter (where response = 'missed') as response_missed,
        percentile_cont(0.5) within group (order by response_h) as response_h,
        count(*) filter (where resolution = 'kept') as resolution_kept,
        count(*) filter (where resolution = 'missed') as resolution_missed,
        percentile_cont(0.5) within group (order by resolution_h) as resolution_h,
        count(resolution_h) as resolved, count(*) filter (where reopened) as reopened
    from round join member using (login, region_id, segment) group by dimension, key
), of_surveys as (
    select dimension, key, count(*) filter (where sent_at >= %(from)s and sent_at < %(until)s) as asked,
        count(*) filter (where answered_at >= %(from)s and answered_at < %(until)s) as answered,
        count(*) filter (where satisfied and answered_at >= %(from)s and answered_at < %(until)s) as satisfied,
        avg(score) filter (where answered_at >= %(from)s and answered_at < %(until)s) as score
    from opinion join member using (login, region_id, segment) group by dimension, key
), of_visits as (
    select dimension, key, count(*) as due, count(*) filter (where done) as done,
        count(*) filter (where on_time) as on_time, count(*) filter (where postponed) as postponed,
        count(*) filter (where not done and not postponed) as overdue
    from visited join member using (login, region_id, segment) group by dimension, key
), of_water as (
    select dimension, key, sum(s.events) as events, sum(s.m3) as saved_m3, sum(s.money) as saved_money
    from saved s join member using (login, region_id, segment) group by dimension, key
), of_sales as (
    select dimension, key, sum(s.customers) as customers, sum(s.m3) as m3, sum(s.money) as money,
        sum(s.planned) as planned, sum(s.within) as within
    from sold s join member using (login, region_id, segment) group by dimension, key
), key as (
    select dimension, key from member union select 'utility', ''
), put as (
    insert into figure_month as f (month, dimension, key, opened, response_kept, response_missed, response_h,
        resolution_kept, resolution_missed, resolution_h, resolved, reopened, asked, answered, satisfied, score,
        visits_due, visits_done, visits_on_time, visits_postponed, visits_overdue, confirmed_events, saved_m3, saved_money,
        customers, volume_m3, revenue,
        planned, within_plan, made_at)
    select %(month)s, k.dimension, k.key, coalesce(t.opened, 0), coalesce(t.response_kept, 0),
        coalesce(t.response_missed, 0), t.response_h, coalesce(t.resolution_kept, 0), coalesce(t.resolution_missed, 0),
        t.resolution_h, coalesce(t.resolved, 0), coalesce(t.reopened, 0), coalesce(o.asked, 0), coalesce(o.answered, 0),
        coalesce(o.satisfied, 0), o.score, coalesce(v.due, 0), coalesce(v.done, 0), coalesce(v.on_time, 0),
        coalesce(v.postponed, 0), coalesce(v.overdue, 0),
        coalesce(w.events, 0), coalesce(w.saved_m3, 0), coalesce(w.saved_money, 0), coalesce(s.customers, 0), s.m3,
        s.money, coalesce(s.planned, 0), coalesce(s.within, 0), %(at)s
    from key k
    left join of_tickets t using (dimension, key)
    left join of_surveys o using (dimension, key)
    left join of_visits v using (dimension, key)
    left join of_water w using (dimension, key)
    left join of_sales s using (dimension, key)
    on conflict (month, dimension, key) do update set opened = excluded.opened,
        response_kept = excluded.response_kept, response_missed = excluded.response_missed,
        response_h = excluded.response_h, resolution_kept = excluded.resolution_kept,
        resolution_missed = excluded.resolution_missed, resolution_h = excluded.resolution_h,
        resolved = excluded.resolved, reopened = excluded.reopened, asked = excluded.asked,
        answered = excluded.answered, satisfied = excluded.satisfied, score = excluded.score,
        visits_due = excluded.visits_due, visits_done = excluded.visits_done,
        visits_on_time = excluded.visits_on_time, visits_postponed = excluded.visits_postponed,
        visits_overdue = excluded.visits_overdue, confirmed_events = excluded.confirmed_events,
        saved_m3 = excluded.saved_m3, saved_money = excluded.saved_money, customers = excluded.customers,
        volume_m3 = excluded.volume_m3, revenue = excluded.revenue, planned = excluded.planned,
        within_plan = excluded.within_plan, made_at = excluded.made_at
    returning 1
)
select count(*) from put;

-- name: forget_figures
delete from figure_month where month = %(month)s and made_at < %(at)s;

-- name: figures
select f.month, f.dimension, case when %(within)s::text is null then f.key else p.part end as key, f.opened,
    f.response_kept, f.response_missed, f.response_h, f.resolution_kept, f.resolution_missed, f.resolution_h, f.resolved,
    f.reopened, f.asked, f.answered, f.satisfied, f.score, f.visits_due, f.visits_done, f.visits_on_time,
    f.visits_postponed, f.visits_overdue, f.confirmed_events, f.saved_m3, f.saved_money, f.customers, f.volume_m3,
    f.revenue, f.planned, f.within_plan, f.made_at,
    case when f.dimension in ('manager', 'region_manager') then coalesce(s.name, p.part)
        when f.dimension = 'region' then coalesce(r.name, f.key) else p.part end as name
from figure_month f
cross join lateral (select case when f.dimension in ('region_manager', 'manager_segment')
    then substring(f.key from '[^/]*$') else f.key end as part) p
left join staff s on f.dimension in ('manager', 'region_manager') and s.login = p.part
left join region r on f.dimension = 'region' and r.code = f.key
where f.month >= %(from)s and f.month <= %(until)s
    and (%(dimension)s::text is null or f.dimension = %(dimension)s) and (%(key)s::text is null or f.key = %(key)s)
    and (%(within)s::text is null or f.key = %(within)s || '/' || p.part)
    and (f.month, f.dimension, f.key) > (%(after_month)s::date, %(after_dimension)s::text, %(after_key)s::text)
order by f.month, f.dimension, f.key
limit %(limit)s;

-- name: tickets_behind seq: region
with counted as (
    select r.ticket_id, r.round, r.started_at, r.login, r.region_id, r.segment, r.response_due, r.responded_at, r.response,
        r.resolution_due, r.resolved_at, r.resolution, r.reopened
    from service_rounds(%(from)s, %(until)s, %(at)s) r
    where case %(figure)s
            when 'opened' then r.round = 1
            when 'response_kept' then r.response = 'kept'
            when 'response_missed' then r.response = 'missed'
            when 'resolution_kept' then r.resolution = 'kept'
            when 'resolution_missed' then r.resolution = 'missed'
            when 'resolved' then r.resolution_h is not null
            when 'reopened' then r.reopened
        end
    union all
    select t.id, s.round, s.sent_at, coalesce(p.login, ''), coalesce(d.region_id, 0), coalesce(c.segment, ''),
        t.response_due, t.responded_at, null, t.resolution_due, t.resolved_at, null, t.round > s.round
    from survey s
    join ticket t on t.id = s.ticket_id
    left join customer c on c.account_no = s.account_no
    left join dma d on d.id = coalesce(t.dma_id, c.dma_id)
    left join staff p on p.id = coalesce(s.resolved_by, t.assignee_id)
    where case %(figure)s
            when 'asked' then s.sent_at >= %(from)s and s.sent_at < %(until)s
            when 'answered' then s.answered_at >= %(from)s and s.answered_at < %(until)s
            when 'satisfied' then s.satisfied and s.answered_at >= %(from)s and s.answered_at < %(until)s
        end
)
select t.id, r.round, r.started_at, t.account_no, c.name as customer, t.grp, t.priority, t.state, r.login as manager,
    r.response_due, r.responded_at, r.response, r.resolution_due, r.resolved_at, r.resolution, r.reopened
from counted r
join ticket t on t.id = r.ticket_id
left join customer c on c.account_no = t.account_no
where (%(dimension)s = 'utility'
        or exists (select from figure_keys(r.login, r.region_id, r.segment) k
        where k.dimension = %(dimension)s and k.key = %(key)s))
    and (t.id, r.round) > (%(after_id)s::bigint, %(after_round)s::int)
order by t.id, r.round
limit %(limit)s;

-- name: weeks seq: region
select week::date as first, coalesce(o.n, 0) as opened, coalesce(d.n, 0) as resolved
from (select distinct greatest(date_trunc('week', day)::date, %(month)s::date) as week
    from generate_series(%(month)s::date, %(last)s::date, interval '1 day') day) w
left join (
    select greatest(date_trunc('week', r.started_at at time zone %(zone)s)::date, %(month)s::date) as week, count(*) as n
    from service_rounds(%(from)s, %(until)s, %(at)s) r
    where r.round = 1 and (%(dimension)s = 'utility'
        or exists (select from figure_keys(r.login, r.region_id, r.segment) k
        where k.dimension = %(dimension)s and k.key = %(key)s))
    group by 1) o using (week)
left join (
    select greatest(date_trunc('week', x.resolved_at at time zone %(zone)s)::date, %(month)s::date) as week,
        count(*) as n
    from (
        select id, resolved_at, resolved_by from ticket where resolved_at >= %(from)s and resolved_at < %(until)s
        union all
        select ticket_id, resolved_at, resolved_by from ticket_round
        where resolved_at >= %(from)s and resolved_at < %(until)s) x
    join ticket t on t.id = x.id
    left join customer c on c.account_no = t.account_no
    left join dma m on m.id = coalesce(t.dma_id, c.dma_id)
    left join staff p on p.id = coalesce(x.resolved_by, t.assignee_id)
    where t.state <> 'merged'
        and (%(dimension)s = 'utility' or exists (
            select from figure_keys(coalesce(p.login, ''), coalesce(m.region_id, 0), coalesce(c.segment, '')) k
            where k.dimension = %(dimension)s and k.key = %(key)s))
    group by 1) d using (week)
order by week;

-- name: causes seq: region, cause_code
with settled as materialized (
    select t.id, coalesce(t.cause_code, t.cause) as code, t.resolved_at, t.account_no, t.dma_id
    from ticket t
    left join customer c on c.account_no = t.account_no
    left join dma m on m.id = coalesce(t.dma_id, c.dma_id)
    left join staff p on p.id = coalesce(t.resolved_by, t.assignee_id)
    where t.resolved_at >= %(from)s and t.resolved_at < %(until)s and t.state <> 'merged'
        and coalesce(t.cause_code, t.cause, '') <> ''
        and (%(dimension)s = 'utility' or exists (
            select from figure_keys(coalesce(p.login, ''), coalesce(m.region_id, 0), coalesce(c.segment, '')) k
            where k.dimension = %(dimension)s and k.key = %(key)s))
), counted as (
    select code, count(*) as tickets, count(*) filter (where exists (
            select from ticket b where b.account_no = s.account_no and coalesce(b.cause_code, b.cause) = s.code
                and b.id <> s.id and b.resolved_at >= %(year_before)s and b.resolved_at <= s.resolved_at
            union all
            select from ticket b where s.account_no is null and b.dma_id = s.dma_id and b.account_no is null
                and coalesce(b.cause_code, b.cause) = s.code and b.id <> s.id
                and b.resolved_at >= %(year_before)s and b.resolved_at <= s.resolved_at)) as again
    from settled s
    group by code
)
select n.code, n.tickets, n.again, coalesce(c.zh, '') as name_zh, coalesce(c.en, '') as name_en
from counted n left join cause_code c on c.code = n.code
order by n.again desc, n.tickets desc, n.code
limit %(limit)s;

-- name: missed seq: region
select t.id, coalesce(c.name, d.name, '') as customer, t.opened_at, r.resolution_due, r.resolved_at
from service_rounds(%(from)s, %(until)s, %(at)s) r
join ticket t on t.id = r.ticket_id
left join customer c on c.account_no = t.account_no
left join dma d on d.id = t.dma_id
where r.resolution = 'missed' and (%(dimension)s = 'utility'
        or exists (select from figure_keys(r.login, r.region_id, r.segment) k
    where k.dimension = %(dimension)s and k.key = %(key)s))
order by coalesce(r.resolved_at, %(at)s) - r.resolution_due desc, t.id
limit %(limit)s;

-- name: region_name
select name from region where code = %(key)s;

-- name: manager_name
select name from staff where login = %(key)s;

-- name: subscribers seq: report_subscription
select s.id, s.name, r.scope, r.key, coalesce(r.language, s.language)
from report_subscription r join staff s on s.id = r.staff_id
where s.active
order by r.id;

-- name: months_without
select m::date from generate_series(
    greatest(date_trunc('month', (select least(
            (select min(opened_at) from ticket) at time zone %(zone)s,
            (select min(month) from customer_month)::timestamp))),
        %(earliest)s::date::timestamp), %(running)s::date::timestamp - interval '1 month', interval '1 month') m
where not exists (select from figure_month f where f.month = m::date and f.dimension = 'utility')
order by 1;

-- name: subscriptions seq: report_subscription
select r.id, s.login as staff, r.scope, r.key, coalesce(r.language, s.language) as language, r.created_by, r.created_at
from report_subscription r join staff s on s.id = r.staff_id
order by r.id;

-- name: subscribe
insert into report_subscription (staff_id, scope, key, language, created_by, created_at)
select s.id, %(scope)s, %(key)s, %(language)s, %(actor)s, %(at)s from staff s where s.login = %(staff)s and s.active
on conflict (staff_id, scope, key) do update set language = excluded.language
returning id;

-- name: unsubscribe
delete from report_subscription where id = %(id)s returning id;
