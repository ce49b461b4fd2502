-- name: new_turns seq: feed_position
select t.id, t.event_id, t.kind, t.why, t.detail
from event_entry t
where t.xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::xid8
    and not pg_visible_in_snapshot(t.xid, %(seen)s::pg_snapshot)
order by t.id;

-- name: timezone seq: utility
select timezone from utility;

-- name: note_failed_turn
insert into outbox (event_id, step, channel, recipient, dedupe_key, message, state, last_error, not_before, created_at)
values (%(event_id)s, 'failed', 'email', 'nobody', %(dedupe_key)s, '{}', 'dead', %(error)s, %(at)s, %(at)s)
on conflict (dedupe_key) do nothing;

-- name: failed
select state, count(*) from outbox where state in ('dead', 'bounced', 'unknown') group by state;

-- name: pending
select channel, count(*), min(created_at) from outbox where state = 'pending' group by channel;

-- name: hourly_usage
select slot, volume_l, quality from usage_hourly
where meter_id = %(meter_id)s and slot >= %(since)s and slot < %(until)s
order by slot;

-- name: register_readings
select ts, register_l, flow_lph from reading
where meter_id = %(meter_id)s and ts >= %(since)s and ts <= %(until)s
order by ts;

-- name: pressure_readings
select m.serial, r.ts, r.pressure_kpa
from meter m join reading r on r.meter_id = m.id
where m.serial = any (%(serials)s) and r.ts >= %(since)s and r.ts <= %(until)s and r.pressure_kpa is not null
order by m.serial, r.ts;

-- name: findings_of_ticket
select e.subject, count(*) over () as total
from ticket_event te join event e on e.id = te.event_id
where te.ticket_id in (select ticket_family(%(ticket_id)s)) and e.cleared_at is null and e.retracted_at is null
order by e.magnitude desc, e.id
limit %(limit)s;
