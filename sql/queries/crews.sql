-- name: place
select coalesce(t.topic, t.grp) as skill, coalesce(p.x, e.x, c.x, m.x) as x, coalesce(p.y, e.y, c.y, m.y) as y,
    (select region_id from dma where id = coalesce(p.dma_id, t.dma_id, e.dma_id, c.dma_id)) as region_id
from ticket t
left join service_point p on p.id = t.service_point_id
left join lateral (
    select q.x, q.y, q.dma_id from ticket_event te
    join event v on v.id = te.event_id
    join meter_installation i on i.meter_id = v.meter_id and i.removed_at = 'infinity'
    join service_point q on q.id = i.service_point_id
    where te.ticket_id = t.id order by v.detected_at desc, v.id desc limit 1) e on true
left join lateral (
    select q.x, q.y, q.dma_id from service_point q
    where q.account_no = t.account_no order by q.x is null, q.code limit 1) c on true
left join lateral (
    select avg(r.x) as x, avg(r.y) as y from meter r where t.account_no is null and r.dma_id = t.dma_id) m on true
where t.id = %(ticket_id)s;

-- name: for_place seq: crew
with recursive up (id, parent_id, distance) as (
    select id, parent_id, 0 from region where id = %(region_id)s
    union all
    select r.id, r.parent_id, up.distance + 1 from up join region r on r.id = up.parent_id where up.distance < 16
)
select c.id, c.code, c.name, c.lead_id, c.calendar, r.name as region, up.distance as regions_up,
    sqrt((c.x - %(x)s::float8) ^ 2 + (c.y - %(y)s::float8) ^ 2) as metres, l.open, l.weight
from crew c
left join up on up.id = c.region_id
left join region r on r.id = c.region_id
cross join lateral (select count(*) as open, coalesce(sum(ticket_weight(t.priority)), 0) as weight from ticket t
    where t.crew_id = c.id and t.state in ('open', 'acknowledged', 'responded', 'reopened')) l
where c.active and (c.skills = '{}' or %(skill)s = any (c.skills)) and (%(crew_id)s::int is null or c.id = %(crew_id)s)
order by up.distance nulls last, metres nulls last, l.weight, c.code;

-- name: ticket
select t.crew_id, c.code, c.lead_id from ticket t left join crew c on c.id = t.crew_id where t.id = %(ticket_id)s;

-- name: send
update ticket set crew_id = %(crew_id)s, dispatched_at = %(at)s, version = version + 1 where id = %(ticket_id)s
returning version;

-- name: members
select staff_id from crew_member where crew_id = %(crew_id)s order by staff_id;

-- name: by_code
select id, active from crew where code = %(code)s;

-- name: crews seq: crew
select c.id, c.code, c.name, r.code as region, c.x, c.y, s.login as lead, c.phone, c.skills, c.calendar, c.active,
    array(select p.login from crew_member m join staff p on p.id = m.staff_id where m.crew_id = c.id order by p.login) as members,
    (select count(*) from ticket t where t.crew_id = c.id
        and t.state in ('open', 'acknowledged', 'responded', 'reopened')) as open_tickets
from crew c left join region r on r.id = c.region_id left join staff s on s.id = c.lead_id
where (%(code)s::text is null or c.code = %(code)s)
order by c.code;

-- name: put_crew
insert into crew (code, name, region_id, x, y, lead_id, phone, skills, calendar, active)
values (%(code)s, %(name)s, (select id from region where code = %(region)s), %(x)s, %(y)s,
    (select id from staff where login = %(lead)s), %(phone)s, %(skills)s, %(calendar)s, %(active)s)
on conflict (code) do update set name = excluded.name, region_id = excluded.region_id, x = excluded.x, y = excluded.y,
    lead_id = excluded.lead_id, phone = excluded.phone, skills = excluded.skills, calendar = excluded.calendar,
    active = excluded.active
returning id;

-- name: drop_members
delete from crew_member where crew_id = %(crew_id)s and staff_id <> all (%(ids)s::bigint[]);

-- name: add_members
insert into crew_member (crew_id, staff_id) select %(crew_id)s, unnest(%(ids)s::bigint[]) on conflict do nothing;

-- name: logins
select login, id from staff where login = any (%(logins)s) and active;
