-- When messages to members of staff go out, of many at once. It reads what a person was written of a district by the
-- index that is made for it, whatever the planner thinks of a table that has just filled: `offset 0` keeps it from
-- looking through all held messages in their place, which cost minutes where there were thousands.
create function staff_timings(staff_ids bigint[], ticket_ids bigint[], by_channels text[], since timestamptz, most int)
    returns table (quiet_from time, quiet_until time, digest_at time, zone text, dma_id int, recent bigint, held_until timestamptz)
    language sql stable security definer set search_path = public, pg_temp set enable_seqscan = off as $$
    with asked as materialized (
        select a.n, a.staff_id, a.channel, coalesce(t.dma_id, c.dma_id) as dma_id
        from unnest(staff_ids, ticket_ids, by_channels) with ordinality a (staff_id, ticket_id, channel, n)
        left join ticket t on t.id = a.ticket_id
        left join customer c on c.account_no = t.account_no
    ), told as materialized (
        select p.staff_id, p.dma_id, p.channel,
            (select count(*) from (select from outbox o where o.staff_id = p.staff_id and o.about_dma = p.dma_id
                and o.channel = p.channel and o.created_at > since limit most) few) as recent,
            (select o.not_before from (select * from outbox o where o.staff_id = p.staff_id and o.about_dma = p.dma_id
                and o.channel = p.channel and o.created_at > since order by o.created_at desc offset 0) o
                where o.state = 'held' and o.held_for = 'storm' limit 1) as held_until
        from (select distinct asked.staff_id, asked.dma_id, asked.channel from asked where asked.dma_id is not null) p
    )
    select s.quiet_from, s.quiet_until, s.digest_at, coalesce((select timezone from utility), 'UTC'), a.dma_id,
        coalesce(told.recent, 0), told.held_until
    from asked a
    left join staff s on s.id = a.staff_id
    left join told on told.staff_id = a.staff_id and told.dma_id = a.dma_id and told.channel = a.channel
    order by a.n
$$;
revoke execute on function staff_timings from public;
grant execute on function staff_timings to headwater_notify, headwater_api;
