-- The network as the desk sees it: the map, and what is measured around and inside a district.

grant select on node, pipe to headwater_api;
grant select (revision) on network to headwater_api;

-- The districts in which the asker has customers, or which are in own hands. With the owner's rights: the districts'
-- own rows show nobody's customers.
create function headwater_dmas() returns setof int
    language sql stable rows 100 security definer set search_path = public, pg_temp as $$
    select dma_id from customer where dma_id is not null
        and (manager_id = headwater_staff() or account_no in (select headwater_ticket_accounts()))
    union
    select id from dma where manager_id = headwater_staff()
    union
    select dma_id from ticket where assignee_id = headwater_staff() and account_no is null and dma_id is not null
        and state not in ('confirmed', 'merged')
$$;
alter policy dma_month_api on dma_month
    using ((select headwater_sees_all()) or dma_id in (select headwater_dmas()));
alter policy pressure_month_api on pressure_month
    using ((select headwater_sees_all()) or dma_id in (select headwater_dmas()));

-- What belongs to a district as a whole is seen by who sees its months.
create view seen_zone_meter with (security_barrier) as
    select m.id, m.serial, m.kind, m.dma_id, m.from_dma_id, m.interval_s, m.node, m.x, m.y, m.active from meter m
    where m.kind <> 'customer' and ((select headwater_sees_all())
        or m.dma_id in (select headwater_dmas()) or m.from_dma_id in (select headwater_dmas()));
create view seen_zone_usage with (security_barrier) as
    select u.* from usage_hourly u
    where exists (select from seen_zone_meter z where z.id = u.meter_id);
create view seen_zone_reading with (security_barrier) as
    select r.* from reading r
    where exists (select from seen_zone_meter z where z.id = r.meter_id and z.kind = 'pressure');
grant select on seen_zone_meter, seen_zone_usage, seen_zone_reading to headwater_api;

-- squawk-ignore require-concurrent-index-creation
create index event_open_dma_idx on event (dma_id, grp) where cleared_at is null and retracted_at is null;
