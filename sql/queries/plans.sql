-- name: planned_accounts
select account_no from water_plan where month = %(month)s and account_no > %(after)s order by account_no limit %(limit)s;

-- name: planned_hours
select s.seat, (extract(epoch from u.slot) / 3600)::bigint as hour, sum(u.volume_l) as volume_l,
    (max(u.quality) < 2)::int as known
from unnest(%(accounts)s::text[]) with ordinality s (account_no, seat)
join service_point p on p.account_no = s.account_no
join meter_installation i on i.service_point_id = p.id
join meter m on m.id = i.meter_id and m.kind = 'customer'
join usage_hourly u on u.meter_id = i.meter_id and u.slot >= i.installed_at and u.slot < i.removed_at
where u.slot >= %(from)s::timestamptz and u.slot < %(until)s::timestamptz
group by s.seat, u.slot;

-- name: put_forecasts
insert into plan_forecast as f (account_no, month, used_m3, forecast_m3, low_m3, high_m3, made_at)
select account_no, %(month)s, used_m3, nullif(forecast_m3, 'NaN'), nullif(low_m3, 'NaN'), nullif(high_m3, 'NaN'), %(at)s
from unnest(%(accounts)s::text[], %(used_m3)s::float8[], %(forecast_m3)s::float8[], %(low_m3)s::float8[],
    %(high_m3)s::float8[]) t (account_no, used_m3, forecast_m3, low_m3, high_m3)
on conflict (account_no, month) do update set used_m3 = excluded.used_m3, forecast_m3 = excluded.forecast_m3,
    low_m3 = excluded.low_m3, high_m3 = excluded.high_m3, made_at = excluded.made_at;

-- name: notice
-- What each plan has come to since it was last told, and the latest of it; marked in the same breath. The
-- customers' messages go straight to the outbox, the managers' are returned.
with standing as (
    select p.account_no, p.plan_m3, p.version, p.noticed, f.used_m3, f.forecast_m3, f.low_m3, f.high_m3,
        array_remove(array[
            case when f.low_m3 > p.plan_m3 and %(settled)s then 'forecast' end,
            case when f.used_m3 >= 0.8 * p.plan_m3 then '80' end,
            case when f.used_m3 >= p.plan_m3 then '100' end], null) as passed
    from water_plan p
    join plan_forecast f on f.account_no = p.account_no and f.month = p.month
    where p.month = %(month)s and p.plan_m3 > 0
), fresh as (
    select s.*, case when '100' = any (s.passed) then '100'
        when 'forecast' = any (s.passed) and not 'forecast' = any (s.noticed) then 'forecast' else '80' end as stage
    from standing s where not s.passed <@ s.noticed and not '100' = any (s.noticed)
), marked as (
    update water_plan p set noticed = array(select unnest(p.noticed) union select unnest(f.passed) order by 1)
    from fresh f where p.account_no = f.account_no and p.month = %(month)s
    returning f.*
), told as (
    insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, account_no, not_before, created_at)
    select 'plan', 'customer', r.channel, r.recipient, r.language,
        'plan:' || m.account_no || ':' || %(month)s || ':' || m.version || ':' || m.stage, jsonb_build_object(
            'month', %(month)s::date, 'stage', m.stage, 'customer', r.name, 'account_no', m.account_no, 'plan_m3', m.plan_m3,
            'used_m3', m.used_m3, 'forecast_m3', m.forecast_m3, 'low_m3', m.low_m3, 'high_m3', m.high_m3,
            'manager', s.name, 'manager_phone', s.phone, 'manager_email', s.email), m.account_no, %(at)s, %(at)s
    from marked m
    join customer c on c.account_no = m.account_no and c.sector = any (%(sectors)s)
    join customer_reach r on r.account_no = m.account_no
    left join staff s on s.id = c.manager_id and s.active
    on conflict (dedupe_key) do nothing
    returning 1
)
select coalesce(c.manager_id, d.manager_id) as manager_id, m.account_no, c.name, m.stage, m.plan_m3, m.used_m3,
    m.forecast_m3, m.low_m3, m.high_m3, (select count(*) from told) as told,
    m.stage = 'forecast' and exists (select from event e join ticket_event t on t.event_id = e.id
        where e.account_no = m.account_no and e.grp = 'plan' and e.cleared_at is null and e.retracted_at is null) as known,
    c.dma_id, s.name as manager
from marked m
join customer c on c.account_no = m.account_no
left join dma d on d.id = c.dma_id
left join staff s on s.id = coalesce(c.manager_id, d.manager_id)
order by 1, m.used_m3 / m.plan_m3 desc, m.account_no;

-- name: propose
-- By day, so that a month of 29 days is held against one of 28: last year's month times what the newest months are to
-- theirs of the year before; where too little is known, the median of the last twelve.
with wanted as (
    select distinct p.account_no from water_plan p
    where p.month >= %(since)s and p.month < %(month)s
        and not exists (select from water_plan n where n.account_no = p.account_no and n.month = %(month)s)
), known as (
    select w.account_no, m.month, m.volume_l / 1000 / d.days as m3_day
    from wanted w
    join customer_month m on m.account_no = w.account_no and m.month >= %(since)s - interval '13 months'
        and m.month < %(running)s
    cross join lateral (select extract(day from m.month + interval '1 month' - interval '1 day')::int as days) d
    where m.hours >= 0.9 * 24 * d.days
), ratio as (
    select k.account_no, count(*) as months, sum(k.m3_day) / sum(y.m3_day) as trend,
        min(k.m3_day / y.m3_day) as least, max(k.m3_day / y.m3_day) as most
    from known k
    join known y on y.account_no = k.account_no and y.month = k.month - interval '1 year' and y.m3_day > 0
    where k.month >= %(running)s::date - interval '6 months'
    group by k.account_no
), usual as (
    select account_no, count(*) as months, percentile_cont(array[0.1, 0.5, 0.9]) within group (order by m3_day) as m3_day
    from known where month >= %(running)s::date - interval '12 months'
    group by account_no
), made as (
    select u.account_no, y.m3_day is not null and r.months >= 3 as seasonal, y.m3_day, r.months, u.months as all_months,
        least(greatest(r.trend, 0.5), 2.0) as trend, least(greatest(r.least, 0.5), 2.0) as least,
        least(greatest(r.most, 0.5), 2.0) as most, u.m3_day as usual
    from usual u
    left join ratio r on r.account_no = u.account_no
    left join known y on y.account_no = u.account_no and y.month = %(month)s::date - interval '1 year'
    where u.months >= 3 or (y.m3_day is not null and r.months >= 3)
)
insert into plan_proposal as p (account_no, month, plan_m3, low_m3, high_m3, basis, facts, made_at)
select account_no, %(month)s,
    round((%(days)s * case when seasonal then m3_day * trend else usual[2] end)::numeric, 1),
    round((%(days)s * case when seasonal then m3_day * least else usual[1] end)::numeric, 1),
    round((%(days)s * case when seasonal then m3_day * most else usual[3] end)::numeric, 1),
    case when seasonal then 'last_year' else 'median' end,
    case when seasonal then jsonb_build_object('last_year_m3', round((%(days)s * m3_day)::numeric, 1),
        'trend', round((100 * (trend - 1))::numeric, 1), 'months', months)
        else jsonb_build_object('months', all_months) end, %(at)s
from made
on conflict (account_no, month) do update set plan_m3 = excluded.plan_m3, low_m3 = excluded.low_m3,
    high_m3 = excluded.high_m3, basis = excluded.basis, facts = excluded.facts, made_at = excluded.made_at
where p.state = 'proposed';

-- name: accept
with agreed as (
    update plan_proposal p set state = 'agreed', decided_by = %(actor)s, decided_at = %(at)s
    where p.month = %(month)s and p.state = 'proposed'
        and (%(accounts)s::text[] is null or p.account_no = any (%(accounts)s))
    returning p.account_no, p.plan_m3
), put as (
    insert into water_plan as w (account_no, month, plan_m3, decided_by, decided_at, why)
    select account_no, %(month)s, plan_m3, %(actor)s, %(at)s, 'as proposed' from agreed
    on conflict (account_no, month) do nothing
    returning 1
)
select count(*) from agreed;

-- name: decline
with declined as (
    update plan_proposal p set state = 'declined', decided_by = %(actor)s, decided_at = %(at)s
    where p.month = %(month)s and p.state = 'proposed' and p.account_no = any (%(accounts)s)
    returning 1
)
select count(*) from declined;

-- name: lock_plan
select plan_m3, version, decided_by, decided_at from water_plan
where account_no = %(account_no)s and month = %(month)s for update;

-- name: put_plan
insert into water_plan as w (account_no, month, plan_m3, decided_by, decided_at, why)
values (%(account_no)s, %(month)s, %(plan_m3)s, %(actor)s, %(at)s, %(why)s)
on conflict (account_no, month) do update set plan_m3 = excluded.plan_m3, decided_by = excluded.decided_by,
    decided_at = excluded.decided_at, why = excluded.why, noticed = '{}', version = w.version + 1
where w.plan_m3 <> excluded.plan_m3;

-- name: put_plans
with put as (
    insert into water_plan as w (account_no, month, plan_m3, decided_by, decided_at, why)
    select t.account_no, t.month, t.plan_m3, %(actor)s, %(at)s, %(why)s
    from unnest(%(accounts)s::text[], %(months)s::date[], %(plans)s::float8[]) t (account_no, month, plan_m3)
    on conflict (account_no, month) do update set plan_m3 = excluded.plan_m3, decided_by = excluded.decided_by,
        decided_at = excluded.decided_at, why = excluded.why, noticed = '{}', version = w.version + 1
    where w.plan_m3 <> excluded.plan_m3
    returning 1
)
select count(*) from put;

-- name: accounts_there
select account_no from customer where account_no = any (%(accounts)s);

-- name: plan_customer
select 1 from customer where account_no = %(account_no)s;

-- name: plans seq: staff
with standing as (
    select p.account_no, c.name as customer, s.login as manager, p.month, p.plan_m3, f.used_m3,
        f.used_m3 / nullif(p.plan_m3, 0) as used_share, f.forecast_m3, f.low_m3, f.high_m3, f.made_at,
        case when f.used_m3 is null then 'unknown' when f.used_m3 >= p.plan_m3 then 'over'
            when f.low_m3 > p.plan_m3 then 'overrun' when f.used_m3 >= 0.8 * p.plan_m3 then 'near'
            else 'within' end as standing,
        p.noticed, p.decided_by, p.decided_at, p.why, p.version
    from water_plan p
    join customer c on c.account_no = p.account_no
    left join staff s on s.id = c.manager_id
    left join plan_forecast f on f.account_no = p.account_no and f.month = p.month
    where p.month = %(month)s and p.account_no > %(after)s
        and (%(account_no)s::text is null or p.account_no = %(account_no)s)
        and (%(manager)s::text is null or c.manager_id = (select id from staff where login = %(manager)s))
)
select * from standing where %(standing)s::text[] is null or standing = any (%(standing)s)
order by account_no limit %(limit)s;

-- name: proposals seq: staff
select p.account_no, c.name as customer, s.login as manager, p.month, p.plan_m3, p.low_m3, p.high_m3, p.basis, p.facts,
    p.state, p.made_at, p.decided_by, p.decided_at
from plan_proposal p
join customer c on c.account_no = p.account_no
left join staff s on s.id = c.manager_id
where p.month = %(month)s and p.account_no > %(after)s and (%(state)s::text is null or p.state = %(state)s)
    and (%(manager)s::text is null or c.manager_id = (select id from staff where login = %(manager)s))
order by p.account_no limit %(limit)s;

-- name: plans_csv
select p.account_no, to_char(p.month, 'YYYY-MM'), p.plan_m3 from water_plan p
where p.month = %(month)s order by p.account_no;
