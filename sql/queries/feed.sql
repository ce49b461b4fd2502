-- name: start_position
insert into feed_position (consumer, seen) values (%(consumer)s, '1:1:')
on conflict (consumer) do nothing;

-- name: lock_position
select seen::text from feed_position where consumer = %(consumer)s for update skip locked;

-- name: snapshot
select pg_current_snapshot()::text;

-- name: advance
update feed_position set seen = %(seen)s::pg_snapshot, moved_at = now() where consumer = %(consumer)s;
