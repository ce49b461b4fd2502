-- Days of use, summed once: a profile reads 31 rows a meter where it read 744. Who writes an hour of a past day marks
-- the day in the same statement (merge_usage), and until the job usage_days has summed it again it is read from its hours.

create table usage_daily (
    meter_id int not null,
    day date not null,
    volume_l float8,
    hours smallint not null default 0,
    not_measured smallint not null default 0,
    primary key (meter_id, day) include (volume_l, hours, not_measured)
);
comment on column usage_daily.day is 'in the zone of usage_daily_made';
comment on column usage_daily.volume_l is 'null: an hour has come or changed since it was summed';
comment on column usage_daily.not_measured is 'hours that are interpolated, estimated or edited';
select create_hypertable('usage_daily', by_range('day', interval '364 days'), create_default_indexes => false);
create index usage_daily_stale_idx on usage_daily (day, meter_id) where volume_l is null;

create table usage_daily_made (
    one boolean primary key default true check (one),
    zone text not null,
    until date not null
);
comment on column usage_daily_made.until is 'days before it stand in usage_daily';

grant select, insert, update on usage_daily to headwater_detect;

-- The days of meters' spans: whole ones from usage_daily, the rest and what is marked from the hours. Internal: who
-- calls it has made sure that the asker may see the spans. What bounds a query is known when it is planned, so that
-- chunks are left out once and not for every meter.
create function days_used(meters int[], froms timestamptz[], untils timestamptz[], local text)
returns table (meter_id int, day date, volume_l float8, hours bigint, not_measured bigint)
language plpgsql stable set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    made date := coalesce((select m.until from usage_daily_made m where m.zone = local), '-infinity');
    first_days date[];
    end_days date[];
    low_day date;
    high_day date;
    low timestamptz;
    high timestamptz;
begin
    select array_agg(f.day order by s.n), array_agg(greatest(f.day, least((s.until at time zone local)::date, made)) order by s.n)
    into first_days, end_days
    from unnest(froms, untils) with ordinality s (since, until, n)
    cross join lateral (select ((s.since at time zone local) + interval '1 day' - interval '1 us')::date as day) f;
    select min(s.first_day), max(s.end_day) into low_day, high_day
    from unnest(first_days, end_days) s (first_day, end_day) where s.first_day < s.end_day;
    return query
        select d.meter_id, d.day, d.volume_l, d.hours::bigint, d.not_measured::bigint
        from unnest(meters, first_days, end_days) s (meter_id, first_day, end_day)
        join usage_daily d on d.meter_id = s.meter_id and d.day >= s.first_day and d.day < s.end_day
        where d.volume_l is not null and d.hours > 0 and d.day >= low_day and d.day < high_day;
    select array_agg(p.meter_id), array_agg(p.since), array_agg(p.until), min(p.since), max(p.until)
    into meters, froms, untils, low, high
    from (
        select e.* from unnest(meters, froms, untils, first_days, end_days) s (meter_id, since, until, first_day, end_day)
        cross join lateral (values
            (s.meter_id, s.since, least(s.until, s.first_day::timestamp at time zone local)),
            (s.meter_id, greatest(s.since, s.end_day::timestamp at time zone local), s.until)) e (meter_id, since, until)
        union all
        select d.meter_id, d.day::timestamp at time zone local, (d.day + 1)::timestamp at time zone local
        from unnest(meters, first_days, end_days) s (meter_id, first_day, end_day)
        join usage_daily d on d.meter_id = s.meter_id and d.day >= s.first_day and d.day < s.end_day
        where d.volume_l is null and d.day >= low_day and d.day < high_day) p
    where p.since < p.until;
    return query
        select u.meter_id, (u.slot at time zone local)::date, sum(u.volume_l), count(*), count(*) filter (where u.quality > 0)
        from unnest(meters, froms, untils) p (meter_id, since, until)
        join usage_hourly u on u.meter_id = p.meter_id and u.slot >= p.since and u.slot < p.until
        where u.slot >= low and u.slot < high
        group by 1, 2;
end $$;

create or replace function customer_days(account text, zone text, since timestamptz, until timestamptz)
returns table (day date, volume_l float8)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.day, sum(u.volume_l)
    from (
        select array_agg(i.meter_id) as meters, array_agg(greatest(i.installed_at, since)) as froms,
            array_agg(least(i.removed_at, until)) as untils
        from service_point p
        join meter_installation i on i.service_point_id = p.id and i.installed_at < until and i.removed_at > since
        join meter m on m.id = i.meter_id and m.kind = 'customer'
        where p.account_no = account and exists (select from customer c where c.account_no = account
            and (headwater_sees_all() or c.manager_id = headwater_staff()
                or c.account_no in (select headwater_ticket_accounts())))) s
    cross join lateral days_used(s.meters, s.froms, s.untils, zone) u
    group by u.day
$$;

-- The days of a meter, as far as the view seen_usage_hourly shows them.
create function meter_days(meter int, zone text, since timestamptz, until timestamptz)
returns table (day date, volume_l float8, hours bigint, hours_not_measured bigint)
language sql stable security definer set search_path = public, pg_temp as $$
    select u.day, sum(u.volume_l), sum(u.hours)::bigint, sum(u.not_measured)::bigint
    from (
        select array_agg(meter) as meters, array_agg(s.since) as froms, array_agg(s.until) as untils
        from (
            select meter_days.since, meter_days.until where headwater_sees_all()
            union
            select greatest(i.installed_at, meter_days.since), least(i.removed_at, meter_days.until)
            from meter_installation i join service_point p on p.id = i.service_point_id
            join customer c on c.account_no = p.account_no
            where i.meter_id = meter and not headwater_sees_all()
                and (c.manager_id = headwater_staff() or c.account_no in (select headwater_ticket_accounts()))) s) a
    cross join lateral days_used(a.meters, a.froms, a.untils, zone) u
    group by u.day
$$;
revoke execute on function days_used, customer_days, meter_days from public;
grant execute on function customer_days, meter_days to headwater_api;
