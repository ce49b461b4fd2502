-- name: staff_ways
select name, language, email, webhook_url, channel, address, uses from staff_ways(%(staff_id)s);

-- name: staff_timings
select t.quiet_from, t.quiet_until, t.digest_at, t.zone, t.dma_id, t.recent, t.held_until
from unnest(%(staff)s::bigint[], %(tickets)s::bigint[], %(channels)s::text[]) with ordinality a(staff, ticket, channel, n)
left join lateral staff_timing(a.staff, a.ticket, a.channel, %(since)s, %(most)s) t on true
order by a.n;

-- name: customer_ways
select channel, recipient, language, name from customer_reach where account_no = %(account_no)s;

-- name: secret
select secret from staff_channel where channel = %(channel)s and address = %(address)s order by id limit 1;
