-- name: webhooks seq: webhook, staff
select w.id, w.url, w.topics, w.description, w.active, w.old_until, s.login as owner, w.created_by, w.created_at,
    w.version, w.paused_at, w.paused_why
from webhook w left join staff s on s.id = w.staff_id
where w.deleted_at is null and w.id < %(before)s and (%(id)s::bigint is null or w.id = %(id)s)
order by w.id desc limit %(limit)s;

-- name: counts
select webhook_id, count(*) filter (where state = 'pending') as waiting, count(*) filter (where state = 'dead') as dead
from outbox where webhook_id = any (%(ids)s::bigint[]) and state in ('pending', 'dead') group by webhook_id;

-- name: create
insert into webhook (url, topics, description, secret, staff_id, created_by, created_at, position)
select %(url)s, %(topics)s, %(description)s, %(secret)s, %(staff_id)s, %(actor)s, %(at)s, newest from change_range()
returning id;

-- name: lock
select url, active from webhook where id = %(id)s and deleted_at is null for update;

-- name: change
update webhook set url = %(url)s, topics = %(topics)s, description = %(description)s, active = %(active)s,
    paused_at = case when %(active)s then null else paused_at end,
    paused_why = case when %(active)s then '' else paused_why end, version = version + 1
where id = %(id)s;

-- name: readdress
update outbox set recipient = %(url)s where webhook_id = %(id)s and state in ('pending', 'dead');

-- name: delete
update webhook set deleted_at = %(at)s, active = false where id = %(id)s;

-- name: stop_posts
update outbox set state = %(state)s, last_error = %(error)s where webhook_id = %(id)s and state = 'pending';

-- name: rotate
select webhook_rotate(%(id)s, %(secret)s, %(until)s);

-- name: behind seq: webhook
select w.id from webhook w left join staff s on s.id = w.staff_id
where w.active and w.deleted_at is null and coalesce(s.active, true)
    and w.position < (select newest from change_range())
order by w.id;

-- name: take_position
select w.position, w.topics, w.url, w.staff_id, coalesce(s.roles, '{}')
from webhook w left join staff s on s.id = w.staff_id
where w.id = %(id)s and w.active and w.deleted_at is null for update of w skip locked;

-- name: advance
update webhook set position = %(position)s where id = %(id)s;

-- name: deliveries
select o.id, o.step as type, (o.message ->> 'sequence')::bigint as sequence, o.state, o.attempts, o.created_at,
    o.not_before, o.sent_at, o.last_error
from outbox o
where o.webhook_id = %(id)s and o.id < %(before)s and (%(states)s::text[] is null or o.state = any (%(states)s))
order by o.id desc limit %(limit)s;

-- name: redeliver
with again as (
    update outbox set state = 'pending', not_before = %(at)s, begun_at = null, recipient = %(url)s
    where id in (
        select id from outbox
        where webhook_id = %(id)s and state = any (%(states)s)
            and (%(delivery)s::bigint is null or id = %(delivery)s)
            and (%(since)s::timestamptz is null or created_at >= %(since)s)
        order by id limit %(most)s)
    returning id, attempts
)
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s, kind, actor)
select id, attempts, %(at)s, true, '', 0, 'retried', %(actor)s from again
returning outbox_id;

-- name: to_sign
select secret, case when old_until > %(at)s then old_secret else '' end from webhook
where id = %(id)s and deleted_at is null;

-- name: failing seq: webhook
select w.id, w.url, w.description, w.staff_id, f.since
from webhook w
cross join lateral (
    select max(o.sent_at) as at from outbox o where o.webhook_id = w.id and o.state = 'sent') last
cross join lateral (
    select min(d.at) as since from outbox o join delivery d on d.outbox_id = o.id
    where o.webhook_id = w.id and d.kind = 'attempt' and not d.ok and d.at > coalesce(last.at, '-infinity')) f
where w.active and w.deleted_at is null and f.since <= %(before)s
order by w.id;

-- name: pause
update webhook set active = false, paused_at = %(at)s, paused_why = %(why)s, version = version + 1
where id = %(id)s and active;
