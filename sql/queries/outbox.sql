-- name: enqueue
insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, ticket_id, event_id,
    account_no, staff_id, state, last_error, not_before, created_at, held_for, about_dma, webhook_id)
select o.kind, o.step, o.channel, o.recipient, o.language, o.key, o.message, o.rank, o.ticket_id, o.event_id,
    o.account_no, o.staff_id,
    case when o.problem is not null then 'dead' when o.held_for <> '' then 'held' else 'pending' end,
    o.problem, o.not_before, %(at)s, nullif(o.held_for, ''), o.about_dma, o.webhook_id
from jsonb_to_recordset(%(rows)s) o (kind text, step text, channel text, recipient text, language text, key text,
    message jsonb, rank smallint, ticket_id bigint, event_id bigint, account_no text, staff_id bigint, problem text,
    not_before timestamptz, held_for text, about_dma int, webhook_id bigint)
on conflict (dedupe_key) do nothing
returning dedupe_key, id;

-- name: wake_senders
select pg_notify('headwater_outbox', '');

-- name: gather
with due as (
    select id, staff_id, channel, recipient, language, held_for, case held_for when 'storm' then about_dma end as dma_id
    from outbox
    where state = 'held' and not_before <= %(at)s
    order by not_before, id
    limit %(most)s
    for update skip locked
), sets as (
    select staff_id, channel, recipient, language, held_for, dma_id, min(id) as first, array_agg(id order by id) as ids
    from due
    group by staff_id, channel, recipient, language, held_for, dma_id
), alone as (
    update outbox o set state = 'pending' from sets s where cardinality(s.ids) = 1 and o.id = s.first
), made as (
    insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, staff_id, not_before, created_at)
    select 'digest', s.held_for, s.channel, s.recipient, s.language, 'digest:' || s.first,
        jsonb_build_object('items', s.ids, 'dma', d.name), s.staff_id, %(at)s, %(at)s
    from sets s left join dma d on d.id = s.dma_id
    where cardinality(s.ids) > 1
    returning id, dedupe_key
), bundled as (
    update outbox o set state = 'bundled', bundled_in = m.id
    from made m join sets s on m.dedupe_key = 'digest:' || s.first
    where o.id = any (s.ids)
)
select count(*) from sets;

-- name: digest_items
select id, ticket_id, event_id, step, recipient, language, message, attempts, created_at, kind, rank, account_no,
    staff_id
from outbox where bundled_in = %(id)s order by rank, id limit %(most)s;

-- name: digest_size
select count(*) from outbox where bundled_in = %(id)s;

-- name: dead_message
-- A digest's key says nothing of the messages that it lists: the first of them stands for all.
select o.id, o.channel, o.recipient, o.dedupe_key, coalesce(i.dedupe_key, o.dedupe_key), o.rank, o.ticket_id,
    o.account_no, o.staff_id, o.doubtful
from outbox o left join lateral (
    select dedupe_key from outbox b where b.bundled_in = o.id order by b.rank, b.id limit 1) i on true
where o.id = %(id)s and o.state = 'dead' and o.passed_to is null and o.recipient <> 'nobody' and o.kind not in ('test', 'password', 'contact_code')
    and (o.staff_id is not null or o.account_no is not null and o.channel = 'sms');

-- name: email_of_customer
select email from customer where account_no = %(account_no)s and email <> '';

-- name: lock_passing
select pg_advisory_xact_lock(hashtextextended('headwater passing ' || %(stem)s, 0));

-- name: by_keys
select o.dedupe_key, coalesce(b.state, o.state), coalesce(b.doubtful, o.doubtful)
from outbox o left join outbox b on b.id = o.bundled_in
where o.dedupe_key = any (%(keys)s);

-- name: pass_on
with made as (
    insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, ticket_id, event_id,
        account_no, staff_id, notice_id, about_dma, not_before, created_at)
    select kind, step, %(channel)s, %(recipient)s, language, %(key)s, message, rank, ticket_id, event_id, account_no,
        staff_id, notice_id, about_dma, %(due)s, %(at)s
    from outbox where id = %(id)s
    on conflict (dedupe_key) do nothing
    returning id
), passed as (
    update outbox o set passed_to = m.id from made m where o.id = %(id)s
), listed as (
    update outbox o set bundled_in = m.id from made m where o.bundled_in = %(id)s
)
select id from made;

-- name: note_passing
insert into delivery (outbox_id, attempt, at, ok, receipt, took_s, kind)
select id, attempts, %(at)s, %(ok)s, %(words)s, 0, 'passed_on' from outbox where id = %(id)s;
