-- name: lock_customer
select to_jsonb(c) from customer c where c.account_no = %(account_no)s for update;

-- name: change_customer
update customer c set name = n.name, sector = n.sector, segment = n.segment, segment_by = n.segment_by,
    language = n.language, address = n.address, phone = n.phone, email = n.email, channel = n.channel,
    manager_id = n.manager_id, dma_id = n.dma_id, tariff_price_m3 = n.tariff_price_m3, shifts = n.shifts,
    dwellings = n.dwellings, household_size = n.household_size, lives_alone = n.lives_alone,
    category = n.category, needs = n.needs,
    contact_confirmed_at = case when %(confirms)s and %(after)s::jsonb ?| '{phone,email,address}' then %(at)s::timestamptz
        else c.contact_confirmed_at end,
    version = c.version + 1, updated_at = %(at)s
from customer o, jsonb_populate_record(o, %(after)s) n
where c.account_no = %(account_no)s and o.account_no = %(account_no)s
returning c.version;

-- name: record_change
insert into customer_change (account_no, version, at, actor, why, before, after)
values (%(account_no)s, %(version)s, %(at)s, %(actor)s, %(why)s, %(before)s, %(after)s);

-- name: changes_since
select h.version, h.at, h.actor, h.why, f.key, h.before -> f.key, f.value
from customer_change h, jsonb_each(h.after) f
where h.account_no = %(account_no)s and h.version > %(version)s and f.value is distinct from h.before -> f.key
    and f.key = any (%(columns)s)
order by h.version, f.key limit 200;

-- name: change_of
select f.key, h.before -> f.key, f.value
from customer_change h, jsonb_each(h.after) f
where h.account_no = %(account_no)s and h.version = %(version)s and f.value is distinct from h.before -> f.key
    and f.key = any (%(columns)s);

-- name: doubt
insert into contact_check (account_no, kind, field, why, opened_at)
select account_no, %(kind)s, %(field)s, %(why)s, %(at)s from customer where account_no = %(account_no)s
on conflict (account_no, kind) where state = 'open' do nothing
returning id;

-- name: settle_corrected
update contact_check set state = 'corrected', decided_by = %(actor)s, decided_at = %(at)s, decided_why = %(why)s
where account_no = %(account_no)s and state = 'open' and field = any (%(columns)s);

-- name: search seq: staff, dma
select f.matched, f.value, f.score, c.account_no, c.name, c.sector, c.segment, c.address, c.phone, s.login as manager,
    s.name as manager_name, d.code as dma, d.name as dma_name
from find_customers(%(asked)s, %(limit)s) f
join customer c on c.account_no = f.account_no
left join staff s on s.id = c.manager_id
left join dma d on d.id = c.dma_id
order by f.score desc, f.account_no;

-- name: changes
select h.version, h.at, h.actor, h.why, (select jsonb_agg(jsonb_build_object('field', f.key, 'before', h.before -> f.key,
        'after', f.value) order by f.key) from jsonb_each(h.after) f
    where f.value is distinct from h.before -> f.key and f.key = any (%(columns)s)) as fields
from customer_change h
where h.account_no = %(account_no)s and h.version < %(version)s
order by h.version desc limit %(limit)s;

-- name: contact_checks seq: staff
select k.id, k.account_no, c.name as customer, k.kind, k.field, k.why, k.event_id, k.opened_at, k.state, k.decided_by,
    k.decided_at, k.decided_why, c.phone, c.email, c.address, c.version, s.login as manager
from contact_check k join customer c on c.account_no = k.account_no left join staff s on s.id = c.manager_id
where (k.opened_at, k.id) < (%(at)s::timestamptz, %(id)s::bigint)
    and (%(state)s::text is null or k.state = %(state)s)
    and (%(kind)s::text is null or k.kind = %(kind)s)
    and (%(account_no)s::text is null or k.account_no = %(account_no)s)
    and (%(manager)s::text is null or c.manager_id = (select id from staff where login = %(manager)s))
order by k.opened_at desc, k.id desc limit %(limit)s;

-- name: contact_check
select k.id, k.account_no, c.name as customer, k.kind, k.field, k.why, k.event_id, k.opened_at, k.state, k.decided_by,
    k.decided_at, k.decided_why, c.phone, c.email, c.address, c.version, s.login as manager
from contact_check k join customer c on c.account_no = k.account_no left join staff s on s.id = c.manager_id
where k.id = %(id)s;

-- name: lock_check
select account_no, state, decided_by, decided_at, decided_why from contact_check where id = %(id)s for update;

-- name: settle_check
update contact_check set state = %(state)s, decided_by = %(actor)s, decided_at = %(at)s, decided_why = %(why)s
where id = %(id)s and state = 'open';

-- name: confirm_contacts
update customer set contact_confirmed_at = %(at)s where account_no = %(account_no)s;

-- name: doubt_after_events
insert into contact_check (account_no, kind, why, event_id, opened_at)
select distinct on (e.account_no) e.account_no, 'occupancy_change', 'the pattern of use has changed for good', e.id, %(at)s
from event e
where e.detected_at >= %(since)s and e.grp = 'profile' and e.account_no is not null and e.retracted_at is null
    and not exists (select from contact_check k where k.event_id = e.id)
order by e.account_no, e.detected_at desc
on conflict do nothing;

-- name: doubt_aged seq: staff
insert into contact_check (account_no, kind, why, opened_at)
select due.account_no, 'old', 'nobody has made sure of them since ' || to_char(due.since at time zone %(zone)s, 'YYYY-MM-DD'), %(at)s
from (select id from staff union all select null) s
cross join lateral (
    (select c.account_no, coalesce(c.contact_confirmed_at, c.created_at) as since from customer c
    where c.manager_id = s.id and coalesce(c.contact_confirmed_at, c.created_at) < %(before)s
        and not exists (select from contact_check k where k.account_no = c.account_no and k.kind = 'old'
            and (k.state = 'open' or k.decided_at >= %(before)s))
    order by coalesce(c.contact_confirmed_at, c.created_at) limit %(each)s)
    union all
    (select c.account_no, coalesce(c.contact_confirmed_at, c.created_at) as since from customer c
    where s.id is null and c.manager_id is null and coalesce(c.contact_confirmed_at, c.created_at) < %(before)s
        and not exists (select from contact_check k where k.account_no = c.account_no and k.kind = 'old'
            and (k.state = 'open' or k.decided_at >= %(before)s))
    order by coalesce(c.contact_confirmed_at, c.created_at) limit %(each)s)) due
on conflict do nothing;

-- name: manager_by_login
select id from staff where login = %(login)s and active;

-- name: customer_months
select month, volume_l / 1000 as volume_m3, hours from customer_month
where account_no = %(account_no)s and month > %(after)s order by month desc limit 25;

-- name: past_events
select e.id, e.subject_kind, e.subject, e.grp, e.detectors, e.onset, e.detected_at, e.cleared_at, e.retracted_at,
    e.severity, e.magnitude, e.unit, e.loss_m3, e.money
from event e
where e.account_no = %(account_no)s and (e.cleared_at is not null or e.retracted_at is not null)
order by e.detected_at desc, e.id desc limit %(limit)s;

-- name: past_tickets
select t.id, t.state, t.priority, t.urgent, t.grp, (select s.login from staff s where s.id = t.assignee_id) as assignee,
    t.opened_at, t.response_due, t.resolution_due
from ticket t
where t.account_no = %(account_no)s and t.state in ('resolved', 'confirmed', 'merged')
order by t.opened_at desc, t.id desc limit %(limit)s;

-- name: answers
select s.ticket_id, s.answered_at, s.satisfied, s.score, s.remark from survey s
where s.account_no = %(account_no)s and s.answered_at is not null
order by s.answered_at desc limit %(limit)s;

-- name: doubts
select id, kind, field, why, event_id, opened_at from contact_check
where account_no = %(account_no)s and state = 'open' order by id;

-- name: duplicates seq: customer, staff
with shared as (
    select 'phone' as same, array_agg(account_no) as accounts from customer
    where search_phone is not null group by search_phone having count(*) > 1
    union all
    select 'email', array_agg(account_no) from customer
    where email is not null group by lower(btrim(email)) having count(*) > 1
    union all
    select 'name and address', array_agg(account_no) from customer
    where search_address <> '' group by search_names[1], search_address having count(*) > 1
)
select dense_rank() over (order by s.same, s.accounts) as number, s.same, c.account_no, c.name, c.address, c.phone, c.email,
    m.login, c.created_at
from shared s cross join unnest(s.accounts) a (account_no)
join customer c on c.account_no = a.account_no
left join staff m on m.id = c.manager_id
order by number, c.account_no;

-- name: merged_as
select m.id, m.account_no, m.into_no, m.version, m.at, m.actor, m.why, m.record
from customer_merge m where m.account_no = %(account_no)s and m.undone_at is null;

-- name: merge
select merge_customer(%(account_no)s, %(into_no)s, %(version)s, %(actor)s, %(why)s, %(at)s);

-- name: unmerge
select unmerge_customer(%(id)s, %(actor)s, %(why)s, %(at)s);

-- name: plans_changed_since
select p.month from customer_merge m
cross join lateral jsonb_to_recordset(m.kept -> 'summed_plan') k (month date, version int)
join water_plan p on p.account_no = m.into_no and p.month = k.month
where m.id = %(id)s and p.version <> k.version + 1 order by p.month;

-- name: number_now
select account_no from customer where account_no = %(account_no)s
union all select account_no from customer_alias where alias = %(account_no)s limit 1;
