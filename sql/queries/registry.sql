-- name: upsert_utility
insert into utility as u (name, timezone, country, currency, price_m3)
values (%(name)s, %(timezone)s, %(country)s, %(currency)s, %(price_m3)s)
on conflict (one) do update set name = excluded.name, timezone = excluded.timezone, country = excluded.country,
    currency = excluded.currency, price_m3 = excluded.price_m3
where (u.name, u.timezone, u.country, u.currency, u.price_m3)
    is distinct from (excluded.name, excluded.timezone, excluded.country, excluded.currency, excluded.price_m3);

-- name: add_region
insert into region (code, name) values (%(region)s, %(region)s) on conflict (code) do nothing;

-- name: add_bare_staff
insert into staff (login, name) values (%(login)s, %(login)s) on conflict (login) do nothing;

-- name: staff_without_mail seq: staff
select login from staff where active and coalesce(email, '') = '' order by login;

-- name: upsert_dma
insert into dma as d (code, name, region_id, night_start, night_end, min_pressure_kpa, connections, mains_km)
values (%(dma)s, coalesce(%(name)s, %(dma)s), (select id from region where code = %(region)s), %(night_start)s,
    %(night_end)s, %(min_pressure_kpa)s, %(connections)s, %(mains_km)s)
on conflict (code) do update set name = excluded.name, region_id = coalesce(excluded.region_id, d.region_id),
    night_start = excluded.night_start, night_end = excluded.night_end,
    min_pressure_kpa = coalesce(excluded.min_pressure_kpa, d.min_pressure_kpa),
    connections = coalesce(excluded.connections, d.connections), mains_km = coalesce(excluded.mains_km, d.mains_km)
where (d.name, d.region_id, d.night_start, d.night_end, d.min_pressure_kpa, d.connections, d.mains_km)
    is distinct from (excluded.name, coalesce(excluded.region_id, d.region_id), excluded.night_start,
        excluded.night_end, coalesce(excluded.min_pressure_kpa, d.min_pressure_kpa),
        coalesce(excluded.connections, d.connections), coalesce(excluded.mains_km, d.mains_km));

-- name: upsert_customer
with wanted as (
    select g.account_no, coalesce(g.name, c.name, g.account_no) as name, g.sector,
        case when c.segment_by = 'import' or c.account_no is null then g.segment else c.segment end as segment,
        g.language, coalesce(g.phone, c.phone) as phone, coalesce(g.email, c.email) as email,
        coalesce(g.manager_id, c.manager_id) as manager_id, coalesce(g.dma_id, c.dma_id) as dma_id,
        coalesce(g.shifts, c.shifts) as shifts, coalesce(g.household_size, c.household_size) as household_size,
        g.lives_alone, coalesce(g.category, c.category) as category, coalesce(g.needs, c.needs, '{}') as needs
    from (select %(customer)s::text as account_no, %(name)s::text as name, %(sector)s::text as sector,
            %(segment)s::text as segment, %(language)s::text as language, %(phone)s::text as phone,
            %(email)s::text as email, (select id from staff where login = %(manager)s) as manager_id,
            (select id from dma where code = %(dma)s) as dma_id, %(shifts)s::text as shifts,
            %(household_size)s::int as household_size, %(lives_alone)s::boolean as lives_alone,
            %(category)s::text as category, string_to_array(%(needs)s::text, ';') as needs) g
    left join customer c on c.account_no = g.account_no
    where not exists (select from customer_alias a where a.alias = g.account_no)  -- merged: the other record stands
), changed as (
    insert into customer_change (account_no, version, actor, why, before, after)
    select c.account_no, c.version + 1, 'import', %(why)s, to_jsonb(c), to_jsonb(c) || to_jsonb(w)
    from wanted w join customer c on c.account_no = w.account_no
    where to_jsonb(c) <> to_jsonb(c) || to_jsonb(w)
    returning account_no
)
insert into customer as c (account_no, name, sector, segment, language, phone, email, manager_id, dma_id, shifts,
    household_size, lives_alone, category, needs)
select account_no, name, sector, segment, language, phone, email, manager_id, dma_id, shifts, household_size,
    lives_alone, category, needs
from wanted
on conflict (account_no) do update set name = excluded.name, sector = excluded.sector, segment = excluded.segment,
    language = excluded.language, phone = excluded.phone, email = excluded.email, manager_id = excluded.manager_id,
    dma_id = excluded.dma_id, shifts = excluded.shifts, household_size = excluded.household_size,
    lives_alone = excluded.lives_alone, category = excluded.category, needs = excluded.needs,
    version = c.version + 1, updated_at = now()
where (c.name, c.sector, c.segment, c.language, c.phone, c.email, c.manager_id, c.dma_id, c.shifts,
        c.household_size, c.lives_alone, c.category, c.needs)
    is distinct from (excluded.name, excluded.sector, excluded.segment, excluded.language, excluded.phone,
        excluded.email, excluded.manager_id, excluded.dma_id, excluded.shifts, excluded.household_size,
        excluded.lives_alone, excluded.category, excluded.needs);

-- name: upsert_service_point
insert into service_point as p (code, account_no, dma_id, node, x, y, elevation_m)
values (%(point)s, coalesce((select account_no from customer_alias where alias = %(customer)s), %(customer)s),
    (select id from dma where code = %(dma)s), %(node)s, %(x)s, %(y)s,
    %(elevation_m)s)
on conflict (code) do update set account_no = excluded.account_no, dma_id = excluded.dma_id, node = excluded.node,
    x = excluded.x, y = excluded.y, elevation_m = excluded.elevation_m
where (p.account_no, p.dma_id, p.node, p.x, p.y, p.elevation_m)
    is distinct from (excluded.account_no, excluded.dma_id, excluded.node, excluded.x, excluded.y,
        excluded.elevation_m);

-- name: upsert_meter
insert into meter as m (serial, kind, dma_id, from_dma_id, q3_lph, resolution_l, register_modulus_l, interval_s,
    node, x, y, elevation_m, active)
values (%(meter)s, %(kind)s, (select id from dma where code = %(dma)s),
    (select id from dma where code = %(from_dma)s), %(q3_lph)s, %(resolution_l)s, %(register_modulus_l)s,
    %(interval_s)s, %(node)s, %(x)s, %(y)s, %(elevation_m)s, %(active)s)
on conflict (serial) do update set kind = excluded.kind, dma_id = excluded.dma_id,
    from_dma_id = excluded.from_dma_id, q3_lph = excluded.q3_lph, resolution_l = excluded.resolution_l,
    register_modulus_l = excluded.register_modulus_l, interval_s = excluded.interval_s, node = excluded.node,
    x = excluded.x, y = excluded.y, elevation_m = excluded.elevation_m, active = excluded.active
where (m.kind, m.dma_id, m.from_dma_id, m.q3_lph, m.resolution_l, m.register_modulus_l, m.interval_s, m.node, m.x,
        m.y, m.elevation_m, m.active)
    is distinct from (excluded.kind, excluded.dma_id, excluded.from_dma_id, excluded.q3_lph, excluded.resolution_l,
        excluded.register_modulus_l, excluded.interval_s, excluded.node, excluded.x, excluded.y,
        excluded.elevation_m, excluded.active);

-- name: correct_installation
update meter_installation i
set service_point_id = p.id, removed_at = coalesce(%(removed_at)s::timestamptz, 'infinity')
from meter m, service_point p
where m.serial = %(meter)s and p.code = %(point)s and i.meter_id = m.id
    and i.installed_at = coalesce(%(installed_at)s::timestamptz, '-infinity')
    and (i.service_point_id, i.removed_at)
        is distinct from (p.id, coalesce(%(removed_at)s::timestamptz, 'infinity'));

-- name: end_installation
update meter_installation i set removed_at = %(installed_at)s
from meter m
where m.serial = %(meter)s and i.meter_id = m.id and i.removed_at = 'infinity'
    and i.installed_at < %(installed_at)s::timestamptz;

-- name: add_installation
insert into meter_installation (meter_id, service_point_id, installed_at, removed_at)
select m.id, p.id, coalesce(%(installed_at)s::timestamptz, '-infinity'),
    coalesce(%(removed_at)s::timestamptz, 'infinity')
from meter m, service_point p
where m.serial = %(meter)s and p.code = %(point)s and not exists (
    select from meter_installation i
    where i.meter_id = m.id and i.installed_at = coalesce(%(installed_at)s::timestamptz, '-infinity'));

-- name: upsert_plan
insert into water_plan as w (account_no, month, plan_m3) select %(customer)s, %(month)s, %(plan_m3)s
where not exists (select from customer_alias where alias = %(customer)s)
on conflict (account_no, month) do update set plan_m3 = excluded.plan_m3
where w.decided_by = 'import' and w.plan_m3 <> excluded.plan_m3;

-- name: upsert_outage
with kept as (
    insert into outage as o (code, kind, state, reason, starts_at, expected_end, ended_at, created_by)
    values (%(outage)s, %(kind)s, case when %(end)s::timestamptz is null then 'announced' else 'restored' end, %(reason)s,
        %(start)s, %(expected_end)s, %(end)s, 'import')
    on conflict (code) do update set kind = excluded.kind, state = excluded.state, reason = excluded.reason,
        starts_at = excluded.starts_at, expected_end = excluded.expected_end, ended_at = excluded.ended_at
    where o.created_by = 'import' and o.announced_at is null
        and ((o.kind, o.reason, o.starts_at, o.expected_end, o.ended_at) is distinct from (excluded.kind,
                excluded.reason, excluded.starts_at, excluded.expected_end, excluded.ended_at)
            or not exists (select from outage_dma a join dma d on d.id = a.dma_id
                where a.outage_id = o.id and d.code = %(dma)s))
    returning id),
gone as (delete from outage_dma a using kept
    where a.outage_id = kept.id and a.dma_id <> (select id from dma where code = %(dma)s))
insert into outage_dma (outage_id, dma_id) select kept.id, d.id from kept, dma d where d.code = %(dma)s
on conflict (outage_id, dma_id) do update set dma_id = excluded.dma_id;

-- name: meter_ids
select serial, id from meter where serial = any(%(serials)s);

-- name: upsert_node
insert into node as n (node, elevation_m, x, y) values (%(node)s, %(elevation_m)s, %(x)s, %(y)s)
on conflict (node) do update set elevation_m = coalesce(excluded.elevation_m, n.elevation_m),
    x = coalesce(excluded.x, n.x), y = coalesce(excluded.y, n.y)
where (n.elevation_m, n.x, n.y) is distinct from (coalesce(excluded.elevation_m, n.elevation_m),
    coalesce(excluded.x, n.x), coalesce(excluded.y, n.y));

-- name: upsert_pipe
insert into pipe as p (pipe, node1, node2, length_m, diameter_mm)
values (%(pipe)s, %(node1)s, %(node2)s, %(length_m)s, %(diameter_mm)s)
on conflict (pipe) do update set node1 = excluded.node1, node2 = excluded.node2,
    length_m = coalesce(excluded.length_m, p.length_m), diameter_mm = coalesce(excluded.diameter_mm, p.diameter_mm)
where (p.node1, p.node2, p.length_m, p.diameter_mm) is distinct from (excluded.node1, excluded.node2,
    coalesce(excluded.length_m, p.length_m), coalesce(excluded.diameter_mm, p.diameter_mm));

-- name: upsert_model
insert into network as n (inp) values (%(inp)s)
on conflict (one) do update set inp = excluded.inp where n.inp <> excluded.inp and excluded.inp <> '';

-- name: revise_network
insert into network as n (inp) values ('') on conflict (one) do update set revision = n.revision + 1;

-- name: upsert_weather
insert into weather as w (ts, rain_mm, air_c, humidity_pct, wind_kmh)
values (%(ts)s, %(rain_mm)s, %(air_c)s, %(humidity_pct)s, %(wind_kmh)s)
on conflict (ts) do update set rain_mm = coalesce(excluded.rain_mm, w.rain_mm),
    air_c = coalesce(excluded.air_c, w.air_c), humidity_pct = coalesce(excluded.humidity_pct, w.humidity_pct),
    wind_kmh = coalesce(excluded.wind_kmh, w.wind_kmh), issued_at = null
where w.issued_at is not null or (w.rain_mm, w.air_c, w.humidity_pct, w.wind_kmh) is distinct from (coalesce(excluded.rain_mm, w.rain_mm),
    coalesce(excluded.air_c, w.air_c), coalesce(excluded.humidity_pct, w.humidity_pct),
    coalesce(excluded.wind_kmh, w.wind_kmh));

-- name: export_utility seq: utility
select name, timezone, country, currency, price_m3 from utility;

-- name: export_staff seq: staff, region
select s.login, s.name, s.email, s.phone, s.language, array_to_string(s.roles, ';'), r.code, superior.login,
    deputy.login, s.on_duty_desk
from staff s
left join region r on r.id = s.region_id
left join staff superior on superior.id = s.superior_id and superior.active
left join staff deputy on deputy.id = s.deputy_id and deputy.active
where s.active
order by s.login;

-- name: export_dmas seq: dma, region
select d.code, d.name, r.code, d.night_start, d.night_end, d.min_pressure_kpa, d.connections, d.mains_km
from dma d left join region r on r.id = d.region_id
order by d.code;

-- name: export_customers seq: customer, dma, staff, water_plan
select c.account_no, c.name, c.sector, c.segment, d.code, s.login, c.language, c.phone, c.email, c.household_size,
    c.lives_alone, c.shifts, p.plan_m3, c.category, nullif(array_to_string(c.needs, ';'), '')
from customer c
left join dma d on d.id = c.dma_id
left join staff s on s.id = c.manager_id and s.active
left join (select distinct on (account_no) account_no, plan_m3 from water_plan order by account_no, month desc) p
    on p.account_no = c.account_no
order by c.account_no;

-- name: export_balances seq: customer_balance
select account_no, balance::float8, as_of from customer_balance order by account_no;

-- name: export_meters seq: meter, meter_installation, service_point, dma
select m.id, m.serial, m.kind, p.account_no, d.code, f.code, m.q3_lph, m.resolution_l, m.register_modulus_l,
    m.interval_s, m.x, m.y, m.elevation_m, m.node, nullif(i.installed_at, '-infinity'), nullif(i.removed_at, 'infinity')
from meter m
left join (select distinct on (meter_id) * from meter_installation order by meter_id, installed_at desc) i
    on i.meter_id = m.id
left join service_point p on p.id = i.service_point_id
left join dma d on d.id = coalesce(m.dma_id, p.dma_id)
left join dma f on f.id = m.from_dma_id
order by m.serial;

-- name: export_outages seq: outage, outage_dma, dma
select case when count(*) over (partition by o.id) = 1 then o.code else o.code || '/' || d.code end as code, o.kind, d.code,
    o.reason, coalesce(o.started_at, o.starts_at) as starts_at, o.expected_end, o.ended_at
from outage o join outage_dma a on a.outage_id = o.id join dma d on d.id = a.dma_id
where o.state in ('announced', 'started', 'restored')
order by starts_at, 1;

-- name: export_weather seq: weather
select ts, rain_mm, air_c, humidity_pct, wind_kmh from weather
where ts >= %(start)s and ts < %(end)s and issued_at is null
order by ts;

-- name: export_nodes seq: node
select node, elevation_m, x, y from node order by node;

-- name: export_pipes seq: pipe
select pipe, node1, node2, length_m, diameter_mm from pipe order by pipe;

-- name: export_model seq: network
select inp from network;

-- name: export_extent
select min(range_start), max(range_end) from timescaledb_information.chunks where hypertable_name = 'reading';

-- name: export_readings seq: reading
select meter_id, ts, coalesce(register_l, 'NaN') as register_l, coalesce(flow_lph, 'NaN') as flow_lph,
    coalesce(pressure_kpa, 'NaN') as pressure_kpa, coalesce(temperature_c, 'NaN') as temperature_c,
    coalesce(battery_v, 'NaN') as battery_v, flags, received_at
from reading
where ts >= %(start)s and ts < %(end)s and meter_id = any(%(meter_ids)s::int[]);

-- name: one_snapshot
set transaction isolation level repeatable read read only;
