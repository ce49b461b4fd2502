-- name: enqueue
insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, ticket_id, event_id,
    account_no, staff_id, state, last_error, not_before, created_at)
values (%(kind)s, %(step)s, %(channel)s, %(recipient)s, %(language)s, %(key)s, %(message)s, %(rank)s, %(ticket_id)s,
    %(event_id)s, %(account_no)s, %(staff_id)s, case when %(problem)s::text is null then 'pending' else 'dead' end,
    %(problem)s, coalesce(%(not_before)s::timestamptz, %(at)s), %(at)s)
on conflict (dedupe_key) do nothing
returning id;

-- name: wake_senders
select pg_notify('headwater_outbox', '');

-- name: staff_ways
select name, email, language, webhook_url from staff where id = %(staff_id)s;

-- name: customer_ways
select channel, recipient, language, name from customer_reach where account_no = %(account_no)s;
