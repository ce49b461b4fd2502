-- name: staff_ways
select s.id, w.name, w.language, w.email, w.webhook_url, w.channel, w.address, w.uses
from unnest(%(staff_ids)s::bigint[]) s (id) cross join lateral staff_ways(s.id) w;

-- name: staff_timings
select quiet_from, quiet_until, digest_at, zone, dma_id, recent, held_until
from staff_timings(%(staff)s, %(tickets)s, %(channels)s, %(since)s, %(most)s);

-- name: customer_ways
select channel, recipient, language, name from customer_reach where account_no = %(account_no)s;

-- name: secret
select secret from staff_channel where channel = %(channel)s and address = %(address)s order by id limit 1;

-- name: preferences
select id, email, quiet_from, quiet_until, digest_at from staff where login = %(login)s and active;

-- name: channels
select channel, address, uses, signed from staff_channel where staff_id = %(staff_id)s order by position, id;

-- name: set_times
update staff set quiet_from = %(quiet_from)s, quiet_until = %(quiet_until)s, digest_at = %(digest_at)s
where login = %(login)s and active
returning id;

-- name: drop_channels
delete from staff_channel where staff_id = %(staff_id)s;

-- name: add_channel
insert into staff_channel (staff_id, channel, address, secret, uses, position)
values (%(staff_id)s, %(channel)s, %(address)s, %(secret)s, %(uses)s, %(position)s);

-- name: drop_channel
delete from staff_channel where staff_id = %(staff_id)s and channel = %(channel)s and address = %(address)s;

-- name: lock_trials
select pg_advisory_xact_lock(hashtextextended(%(key)s, 0));

-- name: trials
select count(distinct created_at), min(created_at) from outbox
where kind = 'test' and staff_id = %(staff_id)s and created_at > %(since)s;

-- name: tried
select id, channel, recipient as address, state, created_at as at, last_error from outbox
where kind = 'test' and staff_id = %(staff_id)s
order by created_at desc, id limit %(most)s;
