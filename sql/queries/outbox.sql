-- name: enqueue
insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, ticket_id, event_id,
    account_no, staff_id, state, last_error, not_before, created_at, held_for, about_dma)
select o.kind, o.step, o.channel, o.recipient, o.language, o.key, o.message, o.rank, o.ticket_id, o.event_id,
    o.account_no, o.staff_id,
    case when o.problem is not null then 'dead' when o.held_for <> '' then 'held' else 'pending' end,
    o.problem, o.not_before, %(at)s, nullif(o.held_for, ''), o.about_dma
from jsonb_to_recordset(%(rows)s) o (kind text, step text, channel text, recipient text, language text, key text,
    message jsonb, rank smallint, ticket_id bigint, event_id bigint, account_no text, staff_id bigint, problem text,
    not_before timestamptz, held_for text, about_dma int)
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
