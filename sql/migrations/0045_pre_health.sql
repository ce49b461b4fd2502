-- How the line is doing, for the operations room: what arrives, what waits, who reads it.

alter table arrival add column messages int not null default 0;
comment on column arrival.messages is 'of the broker; 0: readings that came another way';

create view seen_arrival with (security_barrier) as
    select a.* from arrival a where (select headwater_sees_all());
grant select on seen_arrival to headwater_api;
grant select on feed_position to headwater_api;

-- Since when something waits for who has seen so much of a feed. With the owner's rights: behind a barrier or a policy
-- the comparison of transaction ids, which isn't leakproof, would read the whole table.
-- `offset 0`: else the planner looks for the least instant along the index of instants, past everything that was seen.
create function arrivals_waiting(seen pg_snapshot) returns timestamptz
    language sql stable security definer set search_path = public, pg_temp as $$
    select min(w.at) from (
        select a.at from arrival a where a.xid >= (pg_snapshot_xmin(seen)::text)::xid8
            and not pg_visible_in_snapshot(a.xid, seen) and (select headwater_sees_all())
        offset 0) w
$$;
create function turns_waiting(seen pg_snapshot) returns timestamptz
    language sql stable security definer set search_path = public, pg_temp as $$
    select min(w.at) from (
        select e.at from event_entry e where e.xid >= (pg_snapshot_xmin(seen)::text)::xid8
            and not pg_visible_in_snapshot(e.xid, seen) and (select headwater_sees_all())
        offset 0) w
$$;
revoke execute on function arrivals_waiting, turns_waiting from public;
grant execute on function arrivals_waiting, turns_waiting to headwater_api;
