-- name: staff_ways
select name, language, email, webhook_url, channel, address, uses from staff_ways(%(staff_id)s);

-- name: staff_timing
select quiet_from, quiet_until, digest_at, zone, dma_id, recent, held_until
from staff_timing(%(staff_id)s, %(ticket_id)s, %(channel)s, %(since)s);

-- name: customer_ways
select channel, recipient, language, name from customer_reach where account_no = %(account_no)s;

-- name: secret
select secret from staff_channel where channel = %(channel)s and address = %(address)s order by id limit 1;
