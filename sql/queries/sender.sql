-- name: mark_unknown
with left_open as (
    update outbox set state = 'unknown', last_error = %(error)s
    where id in (
        select id from outbox
        where state = 'pending' and channel = %(channel)s and begun_at is not null and not_before <= %(now)s
            and account_no is not null and staff_id is null and channel <> 'webhook'
        for update skip locked
    )
    returning id, attempts
)
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s)
select id, attempts, %(now)s, false, %(error)s, 0 from left_open
on conflict (outbox_id, attempt) where kind = 'attempt' do nothing
returning outbox_id;

-- name: claim
update outbox o set not_before = %(lease_until)s
from (
    select due.id, due.begun_at is not null as repeated
    from generate_series(0, 2) by(rank)
    cross join lateral (
        select id, begun_at from outbox
        where state = 'pending' and channel = %(channel)s and rank = by.rank and not_before <= %(now)s
            and recipient <> all (%(paused)s)
            and (begun_at is null or account_no is null or staff_id is not null or channel = 'webhook')
        order by not_before, id
        limit %(most)s
        for update skip locked
    ) due
    limit %(most)s
) due
where o.id = due.id
returning o.id, o.ticket_id, o.event_id, o.step, o.recipient, o.language, o.message, o.attempts + 1, o.created_at,
    o.kind, o.rank, o.account_no, o.staff_id, due.repeated, o.webhook_id;

-- name: note_unanswered
with doubted as (update outbox set doubtful = true where id = any (%(ids)s))
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s)
select id, attempt, %(now)s, false, %(error)s, 0 from unnest(%(ids)s::bigint[], %(attempts)s::int[]) t(id, attempt)
on conflict (outbox_id, attempt) where kind = 'attempt' do nothing;

-- name: begin
update outbox set attempts = attempts + 1, begun_at = %(now)s, not_before = %(lease_until)s
where id = %(id)s and state = 'pending' and not_before = %(claimed_until)s
returning id;

-- name: release
update outbox set not_before = %(now)s
where id = any (%(ids)s) and state = 'pending' and not_before = %(claimed_until)s;

-- name: lock_pace
select pg_advisory_xact_lock(hashtext('headwater pace ' || %(channel)s));

-- name: at_their_pace
select recipient from outbox
where channel = %(channel)s and channel in ('wecom', 'dingtalk', 'feishu') and begun_at > %(since)s
group by recipient having count(*) >= %(most)s;

-- name: settle
with noted as (
    insert into delivery (outbox_id, attempt, at, ok, receipt, took_s)
    values (%(id)s, %(attempt)s, %(at)s, %(state)s = 'sent', %(receipt)s, %(took_s)s)
    on conflict (outbox_id, attempt) where kind = 'attempt' do nothing
)
update outbox set state = %(state)s,
    sent_at = case when %(state)s = 'sent' then %(at)s else sent_at end,
    last_error = case when %(state)s = 'sent' then null else %(receipt)s end,
    not_before = coalesce(%(not_before)s::timestamptz, not_before),
    begun_at = case when %(state)s = 'pending' and not %(unanswered)s then null else begun_at end,
    doubtful = doubtful or %(unanswered)s
where id = %(id)s
    and case when %(state)s = 'sent' then state in ('pending', 'unknown')
        else state = 'pending' and attempts = %(attempt)s end;
