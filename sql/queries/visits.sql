-- name: cadences seq: segment_rule, visit_wish
select visit_every_months::int from segment_rule where visit_every_months is not null
union select every_months from visit_wish where every_months > 0 order by 1;

-- name: plan_period seq: segment_rule
-- One visit a customer and period. The slots that fill every day of a manager alike, in order of their days, go to
-- the customers in order of the day from which they may be visited again. Letters take nobody's time: a lane of
-- their own.
with last as (
    select v.account_no,
        max(coalesce((v.done_at at time zone %(timezone)s)::date, v.due_on))
            filter (where v.kind <> 'inspection' and v.state <> 'cancelled') as day,
        bool_or(v.kind = 'cadence' and v.period = %(period)s
            or v.kind = 'cadence' and v.state in ('due', 'postponed') and v.due_on < %(today)s
            or v.kind = 'ad_hoc' and v.state <> 'cancelled' and v.due_on >= %(start)s and v.due_on < %(end)s) as has
    from visit v
    where v.due_on >= %(since)s or v.state in ('due', 'postponed')
    group by v.account_no
), wanted as (
    select c.account_no, c.manager_id, c.form, coalesce(c.manager_id, 0) * 2 + (c.form = 'letter')::int as lane,
        abs(hashtextextended(c.account_no, 18)::numeric) / 9223372036854775808 as place,
        last.day, last.day + %(half_days)s::int as earliest
    from visit_cadence c
    left join last on last.account_no = c.account_no
    where c.every_months = %(every_months)s and not coalesce(last.has, false)
), due as (
    select account_no, manager_id, form, lane, earliest,
        row_number() over (partition by lane
            order by greatest(earliest, %(first)s), coalesce(day, %(start)s::date
                - ((1 - place) * (%(end)s::date - %(start)s::date))::int), place, account_no) as n,
        count(*) over (partition by lane) as total
    from wanted
    -- Who was never visited takes the place in the period that the account number gives, as if it had always been so.
    where case when day is null then place * (%(end)s::date - %(start)s::date) >= %(first)s::date - %(start)s::date
        else earliest < %(end)s end
), lane as (
    select lane, manager_id, min(total) as total from due group by lane, manager_id
), free as (
    select l.lane, l.total, u.day, u.nth, exists (select from staff_absence a
        where a.staff_id = l.manager_id and a.starts_at < (u.day + 1)::timestamp at time zone %(timezone)s
            and a.ends_at > u.day::timestamp at time zone %(timezone)s) as away
    from lane l cross join unnest(%(days)s::date[]) with ordinality u (day, nth)
), open as (
    select lane, total, day, nth from (select *, bool_and(away) over (partition by lane) as gone from free) f
    where gone or not away
), load as (
    select coalesce(v.manager_id, 0) * 2 + (v.form = 'letter')::int as lane, v.due_on as day, count(*) as visits
    from visit v
    where v.due_on >= %(first)s and v.due_on < %(end)s and v.state <> 'cancelled'
    group by 1, 2
), filled as (
    select o.lane, o.total, o.day, o.nth, coalesce(l.visits, 0) as visits,
        ceil((o.total + sum(coalesce(l.visits, 0)) over lanes) / count(*) over lanes)::bigint as full_at
    from open o
    left join load l on l.lane = o.lane and l.day = o.day
    window lanes as (partition by o.lane)
), ranked as (
    select f.lane, f.day, f.total, row_number() over (partition by f.lane
        -- The golden section keeps the days of a level that isn't filled apart.
        order by level, ((f.nth + f.lane) * 0.6180339887) %% 1) as rank
    from filled f cross join lateral generate_series(f.visits + 1, f.full_at) level
), slot as (
    select lane, day, row_number() over (partition by lane order by day) as n from ranked where rank <= total
), planned as (
    select d.account_no, d.manager_id, d.form, case when d.earliest is null or s.day >= d.earliest then s.day else
        (select min(u.day) from unnest(%(days)s::date[]) u (day) where u.day >= d.earliest) end as due_on
    from due d join slot s on s.lane = d.lane and s.n = d.n
)
insert into visit (account_no, manager_id, due_on, planned_on, kind, period, form)
select account_no, manager_id, due_on, due_on, 'cadence', %(period)s, form from planned where due_on is not null
on conflict (account_no, kind, period) do nothing;

-- name: lock_visit
select id, account_no, manager_id, kind, form, state, due_on, version from visit where id = %(id)s for update;

-- name: customer_there
select 1 from customer where account_no = %(account_no)s;

-- name: insert_visit
insert into visit (account_no, manager_id, due_on, planned_on, kind, period, form, why)
select account_no, manager_id, %(due_on)s, %(due_on)s, 'ad_hoc', %(period)s, %(form)s, %(why)s
from customer where account_no = %(account_no)s
on conflict (account_no, kind, period) do nothing
returning id;

-- name: move_visit
update visit set due_on = %(due_on)s, planned_on = coalesce(planned_on, due_on), state = %(state)s, why = %(why)s,
    version = version + 1
where id = %(id)s;

-- name: cancel_visit
update visit set state = 'cancelled', why = %(why)s, version = version + 1 where id = %(id)s;

-- name: finish_visit
update visit set state = 'done', done_at = %(done_at)s, done_by = %(done_by)s, agenda = %(agenda)s,
    outcome = %(outcome)s, version = version + 1
where id = %(id)s;

-- name: reopen_visit
update visit set state = %(state)s, done_at = null, done_by = null, version = version + 1 where id = %(id)s;

-- name: closing_entry
select actor, at, coalesce(from_state, 'due') from visit_entry
where visit_id = %(id)s and to_state in ('done', 'cancelled') order by id desc limit 1;

-- name: last_visit_entry
select actor, at from visit_entry where visit_id = %(id)s order by id desc limit 1;

-- name: enter_visit
insert into visit_entry (visit_id, at, actor, kind, from_state, to_state, why, detail)
values (%(id)s, %(at)s, %(actor)s, %(kind)s, %(from_state)s, %(to_state)s, %(why)s, %(detail)s);

-- name: coming_visit
select v.id, v.due_on, v.state, c.every_months
from visit v join visit_cadence c on c.account_no = v.account_no
where v.account_no = %(account_no)s and v.id <> %(id)s and v.kind <> 'inspection' and v.state in ('due', 'postponed')
order by v.due_on limit 1;

-- name: extend_spell
update visit set cause = cause || jsonb_build_object('until', greatest(cause ->> 'until', %(until)s))
where kind = 'inspection' and cause ->> 'hazard' = %(hazard)s and cause ->> 'until' >= %(near)s
    and cause ->> 'until' < %(until)s;

-- name: inspect_weather
insert into visit (account_no, manager_id, due_on, planned_on, kind, period, cause)
select account_no, manager_id, day, day, 'inspection', %(period)s, %(cause)s::jsonb
from (
    select c.account_no, c.manager_id, (%(days)s::date[])[1 + (row_number() over (
        partition by c.manager_id order by c.account_no) - 1) %% cardinality(%(days)s::date[])] as day
    from customer c
    where c.segment = 'large' and not exists (
        select from visit v where v.account_no = c.account_no and v.kind = 'inspection'
            and v.cause ->> 'hazard' = %(hazard)s and v.cause ->> 'until' >= %(near)s)) d
on conflict (account_no, kind, period) do nothing
returning id;

-- name: inspect_devices
insert into visit (account_no, manager_id, due_on, planned_on, kind, period, cause)
select account_no, manager_id, day, day, 'inspection', 'device ' || event_id,
    jsonb_build_object('hazard', 'device', 'event_id', event_id, 'meter', subject,
        'since', (onset at time zone %(timezone)s)::date)
from (
    select f.*, (%(days)s::date[])[1 + (row_number() over (partition by f.manager_id order by f.account_no) - 1)
        %% cardinality(%(days)s::date[])] as day
    from (
        select distinct on (c.account_no) c.account_no, c.manager_id, e.id as event_id, e.subject, e.onset
        from event e
        join customer c on c.account_no = e.account_no and c.segment = 'large'
        where e.grp = 'device' and e.cleared_at is null and e.retracted_at is null and e.detected_at < %(before)s
            and not exists (select from visit v where v.account_no = e.account_no and v.kind = 'inspection'
                and v.cause ->> 'hazard' = 'device'
                and (v.state in ('due', 'postponed') or v.cause ->> 'event_id' = e.id::text))
        order by c.account_no, e.id) f) d
on conflict (account_no, kind, period) do nothing
returning id;

-- name: rounds
-- What the managers have before them: every open visit until a day, whose day may be past, with what waits there.
select v.manager_id, v.id, v.due_on, v.form, v.kind, v.cause, c.account_no, c.name, c.address, c.phone,
    (select count(*) from event e where e.account_no = v.account_no and e.cleared_at is null
        and e.retracted_at is null) as events,
    (select count(*) from ticket t where t.account_no = v.account_no
        and t.state in ('open', 'acknowledged', 'responded', 'reopened')) as tickets
from visit v
join customer c on c.account_no = v.account_no
where v.state in ('due', 'postponed') and v.form <> 'letter' and v.due_on < %(until)s and v.manager_id is not null
    and (%(since)s::date is null or v.due_on >= %(since)s)
    and (%(ids)s::bigint[] is null or v.id = any (%(ids)s))
order by v.manager_id, v.due_on, v.id;

-- name: stand_in
select s.name, s.active, staff_away(s.id, %(at)s) is not null, staff_deputy(s.id, %(at)s) from staff s
where s.id = %(staff_id)s;

-- name: send_letters
-- A letter is the visit: it is done when it is on its way; who can't be reached is rung up, or asked to be found.
with due as (
    select v.id, v.account_no, v.manager_id, r.name, r.language, r.channel, r.recipient
    from visit v left join customer_reach r on r.account_no = v.account_no
    where v.state in ('due', 'postponed') and v.form = 'letter' and v.due_on <= %(today)s
    order by v.due_on, v.id limit %(limit)s for update of v skip locked
), sent as (
    insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, account_no, not_before,
        created_at)
    select 'visit', 'letter', d.channel, d.recipient, d.language, 'visit:letter:' || d.id, jsonb_build_object(
        'step', 'letter', 'customer', d.name, 'account_no', d.account_no, 'address', c.address, 'phone', c.phone,
        'email', c.email, 'manager', s.name, 'manager_phone', s.phone, 'manager_email', s.email,
        'months', (select coalesce(jsonb_agg(jsonb_build_object('month', m.month, 'used_m3', round((m.volume_l / 1000)::numeric, 1),
            'year_m3', (select round((y.volume_l / 1000)::numeric, 1) from customer_month y
                where y.account_no = m.account_no and y.month = m.month - interval '1 year')) order by m.month), '[]')
            from customer_month m where m.account_no = d.account_no and m.month >= %(first_month)s
                and m.month < %(month)s)),
        2, d.account_no, %(at)s, %(at)s
    from due d
    join customer c on c.account_no = d.account_no
    left join staff s on s.id = d.manager_id and s.active
    where d.channel is not null
    on conflict (dedupe_key) do nothing
    returning 1
), done as (
    update visit v set state = case when d.channel is null then 'cancelled' else 'done' end,
        done_at = case when d.channel is not null then %(at)s end, done_by = 'system',
        why = case when d.channel is null then 'neither phone nor e-mail on record' else v.why end, version = v.version + 1
    from due d where v.id = d.id
    returning v.account_no, v.state
), doubted as (
    insert into contact_check (account_no, kind, why, opened_at)
    select account_no, 'old', 'neither phone nor e-mail on record', %(at)s from done where state = 'cancelled'
    on conflict do nothing
)
select count(*), count(*) filter (where state = 'done') from done;

-- name: see_all
select set_config('headwater.sees', 'all', true);

-- name: visits seq: staff, dma
select v.id, v.account_no, c.name as customer, c.address, c.phone, s.login as manager, v.kind, v.form, v.due_on,
    v.planned_on, case when v.state in ('due', 'postponed') and v.due_on < %(today)s then 'overdue' else v.state end as state,
    v.cause, v.why, v.done_at, v.done_by, v.version
from visit v
join customer c on c.account_no = v.account_no
left join staff s on s.id = v.manager_id
where (v.due_on, v.id) > (%(day)s::date, %(id)s::bigint)
    and (not %(only_open)s::boolean or v.state in ('due', 'postponed'))
    and (%(states)s::text[] is null or case when v.state in ('due', 'postponed') and v.due_on < %(today)s
        then 'overdue' else v.state end = any (%(states)s))
    and (%(manager)s::text is null or v.manager_id = (select id from staff where login = %(manager)s))
    and (%(account_no)s::text is null or v.account_no = %(account_no)s)
    and (%(kind)s::text is null or v.kind = %(kind)s)
    and (%(form)s::text is null or v.form = %(form)s)
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(dma)s::text is null or c.dma_id = (select id from dma where code = %(dma)s))
    and (%(since)s::date is null or v.due_on >= %(since)s)
    and (%(until)s::date is null or v.due_on <= %(until)s)
order by v.due_on, v.id limit %(limit)s;

-- name: visit_detail
select v.id, v.account_no, c.name as customer, c.address, c.phone,
    (select s.login from staff s where s.id = v.manager_id) as manager, v.kind, v.form, v.due_on, v.planned_on,
    case when v.state in ('due', 'postponed') and v.due_on < %(today)s then 'overdue' else v.state end as state,
    v.cause, v.why, v.done_at, v.done_by, v.version, v.agenda, v.outcome
from visit v join customer c on c.account_no = v.account_no
where v.id = %(id)s;

-- name: visit_entries
select at, actor, kind, from_state, to_state, why, detail from visit_entry
where visit_id = %(id)s order by id limit %(limit)s;

-- name: cadence seq: segment_rule
select c.account_no, c.every_months, c.form, coalesce(w.set_by, 'rule') as decided_by, coalesce(w.why, '') as why,
    (select max((v.done_at at time zone %(timezone)s)::date) from visit v
        where v.account_no = c.account_no and v.state = 'done' and v.kind <> 'inspection') as last_on,
    (select min(v.due_on) from visit v where v.account_no = c.account_no and v.state in ('due', 'postponed')
        and v.due_on >= %(today)s) as next_on
from visit_cadence c
left join visit_wish w on w.account_no = c.account_no
where c.account_no = %(account_no)s;

-- name: set_wish
insert into visit_wish (account_no, every_months, form, why, set_by, set_at)
values (%(account_no)s, %(every_months)s, %(form)s, %(why)s, %(actor)s, %(at)s)
on conflict (account_no) do update set every_months = excluded.every_months, form = excluded.form,
    why = excluded.why, set_by = excluded.set_by, set_at = excluded.set_at;
