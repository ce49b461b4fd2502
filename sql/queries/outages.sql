-- name: insert_outage
insert into outage (code, kind, cause, reason, reason_in, supply, contact, starts_at, expected_end, end_known, event_id,
    answers_id, unread, created_by)
values (coalesce(%(code)s, gen_random_uuid()::text), %(kind)s, %(cause)s, %(reason)s, %(reason_in)s, %(supply)s,
    %(contact)s, %(starts_at)s, %(expected_end)s, %(end_known)s, %(event_id)s, %(answers_id)s, '[]', %(actor)s)
on conflict (code) do nothing
returning id;

-- name: name_outage
update outage set code = 'HW-' || id where id = %(id)s;

-- name: lock_outage
select id, code, kind, state, cause, reason, reason_in, supply, contact, starts_at, expected_end, end_known, announced_at,
    started_at, ended_at, first_end, event_id, answers_id, pressed, reminded_for, unread, version
from outage where id = %(id)s for update;

-- name: save_outage
update outage set state = %(state)s, cause = %(cause)s, reason = %(reason)s, reason_in = %(reason_in)s,
    supply = %(supply)s, contact = %(contact)s, starts_at = %(starts_at)s, expected_end = %(expected_end)s,
    end_known = %(end_known)s, announced_at = %(announced_at)s, started_at = %(started_at)s, ended_at = %(ended_at)s,
    first_end = %(first_end)s, answers_id = %(answers_id)s, pressed = %(pressed)s, reminded_for = %(reminded_for)s,
    unread = %(unread)s, version = version + 1
where id = %(id)s;

-- name: insert_outage_entry
insert into outage_entry (outage_id, at, actor, kind, from_state, to_state, why, detail, account_no)
values (%(outage_id)s, %(at)s, %(actor)s, %(kind)s, %(from_state)s, %(to_state)s, %(why)s, %(detail)s, %(account_no)s);

-- name: last_outage_entry
select actor, at from outage_entry where outage_id = %(id)s and kind not in ('called', 'linked') order by id desc limit 1;

-- name: outage_of_event
select code from outage where event_id = %(event_id)s and state in ('draft', 'announced', 'started') limit 1;

-- name: place_of_event
select d.code, e.onset, e.detectors, t.ticket_id, k.assignee_id
from event e left join dma d on d.id = e.dma_id
left join ticket_event t on t.event_id = e.id left join ticket k on k.id = t.ticket_id
where e.id = %(event_id)s;

-- name: known_dmas
select g.code, d.id from unnest(%(codes)s::text[]) g (code) left join dma d on d.code = g.code;

-- name: points_of_list
select g.line, g.value, coalesce(p.id, q.id) as point_id, c.account_no is not null as is_customer
from unnest(%(lines)s::int[], %(values)s::text[]) g (line, value)
left join service_point p on p.code = g.value
left join customer c on c.account_no = g.value
left join service_point q on q.account_no = g.value
order by g.line;

-- name: forget_dmas
delete from outage_dma where outage_id = %(outage_id)s and dma_id <> all (%(ids)s);

-- name: put_dmas
insert into outage_dma (outage_id, dma_id) select %(outage_id)s, unnest(%(ids)s::int[]) on conflict do nothing;

-- name: forget_points
delete from outage_subject where outage_id = %(outage_id)s and service_point_id <> all (%(ids)s);

-- name: put_points
insert into outage_subject (outage_id, service_point_id)
select %(outage_id)s, unnest(%(ids)s::bigint[]) on conflict do nothing;

-- name: outage_area
select coalesce(array(select d.code from outage_dma a join dma d on d.id = a.dma_id where a.outage_id = %(id)s
        order by d.code), '{}'),
    coalesce(array(select d.name from outage_dma a join dma d on d.id = a.dma_id where a.outage_id = %(id)s
        order by d.code), '{}'),
    (select count(*) from outage_subject s where s.outage_id = %(id)s),
    (select md5(coalesce(string_agg(service_point_id::text, ',' order by service_point_id), '')) from outage_subject s
        where s.outage_id = %(id)s);

-- name: concerned
select c.segment, c.language, r.channel, count(*)
from outage_account a join customer c on c.account_no = a.account_no
left join lateral (select channel from customer_reach r where r.account_no = a.account_no) r on true
where a.outage_id = %(id)s
group by 1, 2, 3;

-- name: to_be_called
select c.account_no, c.name, c.segment, c.sector, c.address, c.phone, s.name as manager, r.channel,
    e.at as called_at, e.actor as called_by, e.why as answer
from outage_account a join customer c on c.account_no = a.account_no
left join lateral (select channel from customer_reach r where r.account_no = a.account_no) r on true
left join staff s on s.id = c.manager_id
left join lateral (select at, actor, why from outage_entry e where e.outage_id = a.outage_id and e.kind = 'called'
    and e.account_no = a.account_no order by e.id desc limit 1) e on true
where a.outage_id = %(id)s and (c.segment in ('special', 'vulnerable') or c.lives_alone)
order by e.at is not null, array_position('{special,vulnerable}', c.segment), c.account_no limit %(limit)s;

-- name: unreachable
select c.account_no, c.name, c.segment, c.address,
    case when coalesce(trim(c.email), '') = '' and coalesce(trim(c.phone), '') = '' then 'nothing_on_record'
        else 'not_usable' end as why
from outage_account a join customer c on c.account_no = a.account_no
where a.outage_id = %(id)s and not exists (select from customer_reach r where r.account_no = a.account_no)
order by c.account_no limit %(limit)s;

-- name: concerns_anybody
select 1 from outage_account where outage_id = %(id)s limit 1;

-- name: is_concerned
select 1 from outage_account where outage_id = %(id)s and account_no = %(account_no)s;

-- name: overlapping
select distinct o.id, o.code, o.state, o.starts_at, o.expected_end, count(*)
from outage_account mine
join outage_account theirs on theirs.account_no = mine.account_no and theirs.outage_id <> mine.outage_id
join outage o on o.id = theirs.outage_id
where mine.outage_id = %(id)s and o.id = any (%(others)s)
group by o.id;

-- name: live_between
select id from outage where state in ('announced', 'started') and id <> %(id)s
    and starts_at < %(until)s and (state = 'started' or expected_end > %(since)s);

-- name: outages_at_place
select distinct o.id, o.code, o.kind, o.state, o.cause, o.reason, o.reason_in, o.starts_at, o.started_at, o.expected_end,
    o.end_known, o.ended_at
from outage_account a join outage o on o.id = a.outage_id
where a.account_no = %(account_no)s and o.state = any (%(states)s)
    and (o.ended_at is null or o.ended_at > %(ended_after)s::timestamptz)
order by o.starts_at, o.id;

-- name: supersede_notices
update outage_notice set state = 'superseded' where outage_id = %(outage_id)s and state in ('waiting', 'filling');

-- name: insert_notice
insert into outage_notice (outage_id, revision, step, said, made_at)
values (%(outage_id)s, (select coalesce(max(revision), 0) + 1 from outage_notice where outage_id = %(outage_id)s),
    %(step)s, %(said)s, %(at)s)
returning id, revision;

-- name: wake_notices
select pg_notify('headwater_outage', '');

-- name: next_notice
select n.id, n.outage_id, n.revision, n.step, n.state, o.kind, o.starts_at
from outage_notice n join outage o on o.id = n.outage_id
where n.state in ('waiting', 'filling')
order by n.step in ('announced', 'reminded', 'changed'), n.id limit 1 for update of n skip locked;

-- name: withdraw
with earlier as (
    update outbox set state = 'withdrawn', last_error = %(why)s
    where id in (
        select o.id from outbox o
        where o.notice_id in (select id from outage_notice
                where outage_id = %(outage_id)s and revision < %(revision)s)
            and o.state = 'pending'
        order by o.id limit %(batch)s for update)
    returning 1)
update outage_notice set withdrawn = withdrawn + (select count(*) from earlier)
where id = %(id)s returning (select count(*) from earlier);

-- name: gather
insert into outage_customer (outage_id, account_no, since)
select a.outage_id, a.account_no, %(revision)s from outage_account a where a.outage_id = %(outage_id)s
on conflict (outage_id, account_no) do update set since = excluded.since, until = null
where outage_customer.until is not null;

-- name: part
update outage_customer c set until = %(revision)s
-- "offset 0" keeps it a look-up by account: as a join it is planned with the statistics from before the gathering,
-- and then compares everybody with everybody.
where c.outage_id = %(outage_id)s and c.until is null
    and not exists (select from outage_account a
        where a.outage_id = %(outage_id)s and a.account_no = c.account_no offset 0);

-- name: begin_filling
update outage_notice set state = 'filling', customers = (select count(*) from outage_customer
    where outage_id = %(outage_id)s and until is null)
where id = %(id)s;

-- name: fill
with batch as materialized (
    select c.account_no, c.until, %(revision)s > 1 and exists (
            select from outbox o join outage_notice n on n.id = o.notice_id
            where o.account_no = c.account_no and n.outage_id = %(outage_id)s and n.revision < %(revision)s
                and (o.state in ('sent', 'unknown') or o.state = 'withdrawn' and o.begun_at is not null)) as told
    from outage_customer c
    where c.outage_id = %(outage_id)s and c.account_no > (select upto from outage_notice where id = %(id)s)
        and (c.until is null or c.until = %(revision)s)
    order by c.account_no limit %(batch)s),
made as (
    insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, account_no, notice_id,
        not_before, created_at)
    select 'outage', %(step)s, r.channel, r.recipient, r.language,
        'outage:' || %(outage_id)s || ':' || %(revision)s || ':' || b.account_no,
        jsonb_build_object('notice', %(id)s::bigint, 'account_no', b.account_no, 'name', r.name, 'told', b.told,
            'spared', b.until is not null),
        %(rank)s, b.account_no, %(id)s, case when r.channel = 'email' or c.segment <> 'general' then %(at)s
            else %(morning)s::timestamptz end, %(at)s
    from batch b join customer c on c.account_no = b.account_no
    cross join lateral (select * from customer_reach r where r.account_no = b.account_no) r
    where b.told or (b.until is null and %(step)s <> 'cancelled')
    on conflict (dedupe_key) do nothing
    returning 1),
apart as (
    select 1 from batch b
    where b.until is null and not exists (select from customer_reach r where r.account_no = b.account_no))
update outage_notice set upto = coalesce((select max(account_no) from batch), upto),
    messages = messages + (select count(*) from made), unreachable = unreachable + (select count(*) from apart)
where id = %(id)s
returning (select count(*) from batch), (select count(*) from made);

-- name: end_filling
update outage_notice set state = 'filled', filled_at = %(at)s where id = %(id)s;

-- name: managers_concerned
select c.manager_id, count(*), count(*) filter (where c.segment = 'large'),
    coalesce((array_agg(c.name || ' (' || c.account_no || ')' order by c.account_no)
        filter (where c.segment in ('special', 'vulnerable')))[:20], '{}')
from outage_customer o join customer c on c.account_no = o.account_no
join staff s on s.id = c.manager_id and s.active
where o.outage_id = %(outage_id)s and o.until is null
group by c.manager_id order by c.manager_id;

-- name: notice
select n.said, c.address from outage_notice n left join customer c on c.account_no = %(account_no)s::text
where n.id = %(id)s;

-- name: starting
select id from outage where state = 'announced' and announced_at is not null and starts_at <= %(at)s
order by starts_at for update skip locked;

-- name: to_be_reminded
select id from outage where state = 'announced' and announced_at is not null and starts_at > %(at)s
    and starts_at <= %(until)s and announced_at <= starts_at - 2 * (%(until)s - %(at)s)
    and reminded_for is distinct from starts_at
order by starts_at for update skip locked;

-- name: promises
select id from outage where state = 'started' and announced_at is not null and expected_end <= %(until)s
    and pressed is distinct from 'escalated'
order by expected_end for update skip locked;

-- name: answerer seq: staff
select s.id from staff s
where s.active and (s.id = %(answers_id)s or s.on_duty_desk or 'operations' = any (s.roles))
    and staff_away(s.id, %(at)s) is null
order by s.id = %(answers_id)s desc nulls last, s.on_duty_desk desc, s.email is null, s.id limit 1;

-- name: superior seq: staff
select s.id from staff s
where s.active and s.id is distinct from %(answers_id)s
    and (s.id = (select superior_id from staff where id = %(answers_id)s) or 'operations' = any (s.roles))
    and staff_away(s.id, %(at)s) is null
order by s.id = (select superior_id from staff where id = %(answers_id)s) desc nulls last,
    s.superior_id is not null, s.email is null, s.id
limit 1;

-- name: link_ticket
insert into outage_ticket (ticket_id, outage_id) values (%(ticket_id)s, %(outage_id)s) on conflict do nothing returning 1;

-- name: promise
select code, expected_end from outage where id = %(id)s;

-- name: list_outages
select o.id, o.code, o.kind, o.state, case when o.state = 'started' and o.expected_end <= %(now)s then 'overdue'
        when o.state = 'started' and o.expected_end > o.first_end then 'delayed' else o.state end as status,
    o.cause, o.reason, o.starts_at, o.expected_end, o.end_known, o.announced_at, o.started_at, o.ended_at,
    array(select d.code from outage_dma a join dma d on d.id = a.dma_id where a.outage_id = o.id order by 1) as dmas,
    o.event_id, o.created_by, o.version
from outage o
where (o.starts_at, o.id) < (%(at)s::timestamptz, %(id)s)
    and (%(since)s::timestamptz is null or o.starts_at >= %(since)s)
    and (%(until)s::timestamptz is null or o.starts_at < %(until)s)
    and (%(states)s::text[] is null or o.state = any (%(states)s))
    and (%(kind)s::text is null or o.kind = %(kind)s)
    and (%(dma)s::text is null or exists (select from outage_dma a join dma d on d.id = a.dma_id
        where a.outage_id = o.id and d.code = %(dma)s))
    and (%(account_no)s::text is null
        or o.id in (select outage_id from outage_account where account_no = %(account_no)s))
order by o.starts_at desc, o.id desc limit %(limit)s;

-- name: get_outage
select o.id, o.code, o.kind, o.state, case when o.state = 'started' and o.expected_end <= %(now)s then 'overdue'
        when o.state = 'started' and o.expected_end > o.first_end then 'delayed' else o.state end as status,
    o.cause, o.reason, o.starts_at, o.expected_end, o.end_known, o.announced_at, o.started_at, o.ended_at,
    array(select d.code from outage_dma a join dma d on d.id = a.dma_id where a.outage_id = o.id order by 1) as dmas,
    o.event_id, o.created_by, o.version,
    o.reason_in, o.supply, o.contact, o.first_end, o.unread,
    (select count(*) from outage_subject s where s.outage_id = o.id) as service_points,
    array(select ticket_id from outage_ticket t where t.outage_id = o.id order by 1 limit 500) as tickets
from outage o where o.id = %(id)s;

-- name: outage_entries
select at, actor, kind, from_state, to_state, why, detail, account_no
from (select * from outage_entry where outage_id = %(id)s order by id desc limit 500) latest order by id;

-- name: outage_notices
select n.revision, n.step, n.made_at, n.state, n.customers, n.unreachable, o.sent, o.pending, o.failed, o.withdrawn
from outage_notice n cross join lateral (
    select count(*) filter (where m.state in ('sent', 'bundled')) as sent,
        count(*) filter (where m.state in ('pending', 'held')) as pending,
        count(*) filter (where m.state in ('dead', 'bounced', 'unknown', 'dismissed')) as failed,
        count(*) filter (where m.state = 'withdrawn') as withdrawn
    from outbox m where m.notice_id = n.id) o
where n.outage_id = %(id)s order by n.revision;

-- name: complaints_of_outage
select t.id from ticket t
where t.opened_at >= %(since)s and t.topic = any (%(topics)s) and t.state not in ('resolved', 'confirmed', 'merged')
    and exists (select from outage_account a where a.outage_id = %(id)s and a.account_no = t.account_no)
order by t.id;

-- name: of_dma
select coalesce(o.started_at, o.starts_at) as began_at, o.ended_at, o.kind
from outage_dma d join outage o on o.id = d.outage_id
where d.dma_id = (select id from dma where code = %(dma)s) and o.state in ('started', 'restored')
    and coalesce(o.started_at, o.starts_at) < %(until)s and coalesce(o.ended_at, 'infinity') > %(since)s
order by o.starts_at;

-- name: public_dmas seq: dma
select code, name from dma order by name, code;

-- name: public
select o.code, o.kind, o.state, o.cause, o.reason, o.reason_in, o.supply, o.contact,
    coalesce(o.started_at, o.starts_at) as began_at, o.expected_end, o.end_known, o.ended_at,
    array(select d.name from outage_dma a join dma d on d.id = a.dma_id where a.outage_id = o.id order by d.name) as places
from outage o
where (o.state in ('announced', 'started') or (o.state = 'restored' and o.ended_at > %(now)s::timestamptz - interval '12 hours'))
    and o.announced_at is not null
    and (%(dma)s::text is null or exists (
        select from outage_dma a where a.outage_id = o.id and a.dma_id = (select id from dma where code = %(dma)s)))
order by o.state = 'started' desc, o.starts_at limit 200;
