-- name: self_key
select key from signing_key where purpose = 'self';

-- name: account_there
select 1 from customer where account_no = %(account_no)s;

-- name: me seq: staff
select c.account_no, c.name, c.address, c.phone, c.email, c.language, c.tariff_price_m3, s.name as manager_name,
    s.phone as manager_phone, b.balance::float8 as balance, b.as_of,
    array(select p.address from service_point p where p.account_no = c.account_no and p.address <> '' order by p.code) as places
from customer c
left join staff s on s.id = c.manager_id and s.active
left join customer_balance b on b.account_no = c.account_no
where c.account_no = %(account_no)s;

-- name: hours
select slot as start, volume_l, measured from own_hours(%(since)s, %(until)s) order by 1;

-- name: days
select day as start, volume_l, measured from own_days(%(zone)s, %(since)s, %(until)s) order by 1;

-- name: months
select date_trunc('month', day)::date as start, sum(volume_l) as volume_l, bool_and(measured) as measured
from own_days(%(zone)s, %(since)s, %(until)s) group by 1 order by 1;

-- name: plan
select p.plan_m3, f.used_m3, f.forecast_m3, f.low_m3, f.high_m3, f.made_at
from customer c
left join water_plan p on p.account_no = c.account_no and p.month = %(month)s
left join plan_forecast f on f.account_no = c.account_no and f.month = %(month)s
where c.account_no = %(account_no)s;

-- name: own_tickets
select t.id, t.state, t.topic, t.subject, t.source, t.opened_at, t.response_due, t.resolution_due, t.resolved_at,
    (select y.expires_at from survey y
        where y.ticket_id = t.id and y.channel = 'link' and y.answered_at is null and y.expires_at > %(now)s
            and y.sent_at >= t.resolved_at and t.state in ('resolved', 'confirmed')
        order by y.round desc limit 1) as survey_until
from ticket t
where t.account_no = %(account_no)s and (t.opened_at, t.id) < (%(at)s::timestamptz, %(id)s)
    and (%(only)s::bigint is null or t.id = %(only)s)
order by t.opened_at desc, t.id desc limit %(limit)s;

-- name: open_survey
select y.round, y.expires_at from survey y join ticket t on t.id = y.ticket_id
where y.ticket_id = %(ticket_id)s and t.account_no = %(account_no)s and y.channel = 'link'
order by y.round desc limit 1;

-- name: reported_lately
select count(*) from ticket_entry e join ticket t on t.id = e.ticket_id
where t.account_no = %(account_no)s and e.actor = 'customer' and e.kind in ('opened', 'complaint') and e.at > %(since)s;

-- name: own_outages
select o.code, o.kind, case when o.state = 'started' and o.expected_end <= %(now)s then 'overdue'
        when o.state = 'started' and o.expected_end > o.first_end then 'delayed' else o.state end as status,
    o.cause, o.reason, o.reason_in, o.supply, o.contact, coalesce(o.started_at, o.starts_at) as began_at,
    case when o.end_known then o.expected_end end as expected_end, o.ended_at
from outage o
where o.announced_at is not null
    and (o.state in ('announced', 'started') or (o.state = 'restored' and o.ended_at > %(now)s::timestamptz - interval '7 days'))
    and o.id in (select a.outage_id from outage_account a where a.account_no = %(account_no)s)
order by o.state = 'restored', o.starts_at limit 200;

-- name: lock_claims
select pg_advisory_xact_lock(hashtextextended('contact claims of ' || %(account_no)s, 0));

-- name: claims_lately
select count(*), min(made_at) from contact_claim where account_no = %(account_no)s and made_at > %(since)s;

-- name: insert_claim
insert into contact_claim (account_no, field, value, code_mac, made_at, expires_at)
values (%(account_no)s, %(field)s, %(value)s, %(code_mac)s, %(at)s, %(expires_at)s)
returning id;

-- name: try_claim
update contact_claim set tries = tries + 1
where id = %(id)s and account_no = %(account_no)s and confirmed_at is null and expires_at > %(at)s and tries < %(most)s
returning field, value, code_mac;

-- name: claim_confirmed
update contact_claim set confirmed_at = %(at)s
where id = %(id)s and account_no = %(account_no)s and confirmed_at is null
returning id;
