-- The nodes of the network's map that lie in a district, as far as it is known: by who is supplied from them, and the
-- sensors and tanks at them; a node where two districts meet is of neither. With the owner's rights: a district's
-- pipes are the same to everybody who may see the district, whosever its customers are.
create function headwater_zone_nodes(zone int) returns setof text
    language sql stable rows 1000 security definer set search_path = public, pg_temp as $$
    select own.node from (
        select p.node from service_point p where p.dma_id = zone and p.node is not null
        union
        select m.node from meter m where m.dma_id = zone and m.kind in ('pressure', 'storage') and m.node is not null
    ) own
    where not exists (select from service_point o where o.node = own.node and o.dma_id <> zone)
$$;
revoke execute on function headwater_zone_nodes from public;
grant execute on function headwater_zone_nodes to headwater_api;
