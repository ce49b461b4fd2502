-- name: bounced_message
select created_at, state, ticket_id, account_no, staff_id from outbox where id = %(id)s for update;

-- name: note_report
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s, kind)
select id, attempts, %(at)s, false, %(words)s, 0, %(kind)s from outbox o
where id = %(id)s and not exists (
    select from delivery d where d.outbox_id = o.id and d.kind = %(kind)s and d.attempt = o.attempts)
returning id;

-- name: mark_bounced
update outbox set state = 'bounced', last_error = %(words)s
where id = %(id)s and state in ('pending', 'sent', 'unknown');

-- name: failed_one
select o.id, o.kind, o.channel, o.recipient, o.state, coalesce(o.last_error, ''), coalesce(s.name, c.name, '')
from outbox o left join staff s on s.id = o.staff_id left join customer c on c.account_no = o.account_no
where o.id = %(id)s;

-- name: failed
select o.id, o.kind, o.channel, o.recipient, case when o.passed_to is null then o.state else 'passed_on' end, coalesce(o.last_error, ''), coalesce(s.name, c.name, '')
from outbox o left join staff s on s.id = o.staff_id left join customer c on c.account_no = o.account_no
where o.state in ('dead', 'bounced', 'unknown') and o.created_at >= %(since)s and o.kind <> 'failures'
    and o.webhook_id is null
order by o.passed_to is not null, o.rank, o.id desc limit %(most)s;

-- name: count_failed
select count(*) from outbox
where state in ('dead', 'bounced', 'unknown') and created_at >= %(since)s and kind <> 'failures'
    and webhook_id is null;

-- name: retry
with again as (
    update outbox o set state = 'pending', not_before = %(at)s, begun_at = null, held_for = null,
        recipient = n.recipient
    from (
        select f.id, coalesce(case when f.staff_id is null then r.recipient when f.channel = 'email' then s.email end,
            f.recipient) as recipient
        from outbox f
        left join staff s on s.id = f.staff_id
        left join customer_reach r on r.account_no = f.account_no and r.channel = f.channel and f.channel <> 'webhook'
        where f.state in ('dead', 'bounced', 'unknown') and f.state = any (%(states)s)
            and f.kind <> all (%(secret)s)
            and case when %(ids)s::bigint[] is null then f.passed_to is null else f.id = any (%(ids)s) end
            and (%(channel)s::text is null or f.channel = %(channel)s)
            and (%(kind)s::text is null or f.kind = %(kind)s)
            and (%(since)s::timestamptz is null or f.created_at >= %(since)s)
        order by f.id
        limit %(most)s
    ) n
    where o.id = n.id and n.recipient <> 'nobody'
    returning o.id, o.attempts
)
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s, kind, actor)
select id, attempts, %(at)s, true, %(why)s, 0, 'retried', %(actor)s from again
returning outbox_id;

-- name: dismiss
with seen as (
    update outbox set state = 'dismissed' where id = %(id)s and state in ('dead', 'bounced', 'unknown')
    returning id, attempts
)
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s, kind, actor)
select id, attempts, %(at)s, true, %(why)s, 0, 'dismissed', %(actor)s from seen
returning outbox_id;

-- name: state
select state, kind = any (%(secret)s) from outbox where id = %(id)s;

-- name: wake
select pg_notify('headwater_outbox', '');

-- name: messages seq: dma
select o.id, o.kind, o.step, o.channel, o.recipient, o.language, o.state, o.rank, o.attempts, o.ticket_id,
    o.account_no, s.login as staff, o.bundled_in, o.passed_to, o.created_at, o.not_before, o.sent_at, o.last_error
from outbox o left join staff s on s.id = o.staff_id
where o.id < %(id)s
    and (%(states)s::text[] is null or o.state = any (%(states)s))
    and (%(channel)s::text is null or o.channel = %(channel)s)
    and (%(kind)s::text is null or o.kind = %(kind)s)
    and (%(ticket)s::bigint is null or o.ticket_id = %(ticket)s)
    and (%(account_no)s::text is null or o.account_no = %(account_no)s)
    and (%(bundled_in)s::bigint is null or o.bundled_in = %(bundled_in)s)
    and (%(since)s::timestamptz is null or o.created_at >= %(since)s)
    and (%(until)s::timestamptz is null or o.created_at < %(until)s)
    and (%(dma)s::text is null or exists (select from customer c
        where c.account_no = o.account_no and c.dma_id = (select id from dma where code = %(dma)s)))
    and (%(mine)s::bigint is null or o.staff_id = %(mine)s
        or exists (select from ticket t where t.id = o.ticket_id and t.assignee_id = %(mine)s)
        or exists (select from customer c where c.account_no = o.account_no and c.manager_id = %(mine)s))
order by o.id desc limit %(limit)s;

-- name: message
select o.id, o.kind, o.step, o.channel, o.recipient, o.language, o.state, o.rank, o.attempts, o.ticket_id,
    o.account_no, s.login as staff, o.bundled_in, o.passed_to, o.created_at, o.not_before, o.sent_at, o.last_error
from outbox o left join staff s on s.id = o.staff_id
where o.id = %(id)s;

-- name: receipts
select at, kind, attempt, ok, receipt, took_s, actor from delivery where outbox_id = %(id)s order by id limit 500;
