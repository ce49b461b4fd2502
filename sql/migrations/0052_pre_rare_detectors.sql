-- What a detector seldom finds is found by an index, and not by looking through all there ever was.

-- squawk-ignore require-concurrent-index-creation
create index event_detectors_idx on event using gin (detectors);

-- With the owner's rights: row-level security would bar the index. Who asks sees no more by it, as the ids
-- are looked up among the events and tickets that they may see. Null: more than `most`, which are soon met
-- along the time.
create function headwater_events_by(detector text, most int) returns bigint[]
    language sql stable security definer set search_path = public, pg_temp as $$
    select case when count(*) <= most then coalesce(array_agg(id), '{}') end
    from (select id from event where detectors @> array[detector] limit most + 1) found
$$;
create function headwater_tickets_by(detector text, most int) returns bigint[]
    language sql stable security definer set search_path = public, pg_temp as $$
    select case when found.ids is not null then array(
        select distinct n.ticket_id from ticket_event n where n.event_id = any (found.ids)) end
    from (select headwater_events_by(detector, most) as ids) found
$$;
revoke execute on function headwater_events_by, headwater_tickets_by from public;
grant execute on function headwater_events_by, headwater_tickets_by to headwater_api;
