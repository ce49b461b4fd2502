-- name: account_manager
select s.id, s.name, s.email, s.active, staff_deputy(s.id, %(at)s),
    staff_away(s.id, %(at)s) is not null, nullif(staff_away(s.id, %(at)s), 'infinity')
from customer c join staff s on s.id = c.manager_id
where c.account_no = %(account_no)s;

-- name: staff_member
select s.id, s.name, s.email, s.active, staff_deputy(s.id, %(at)s),
    staff_away(s.id, %(at)s) is not null, nullif(staff_away(s.id, %(at)s), 'infinity')
from staff s where s.id = %(id)s;

-- name: region_managers
with recursive up (id, parent_id, distance) as (
    select r.id, r.parent_id, 0 from dma d join region r on r.id = d.region_id where d.id = %(dma_id)s
    union all
    select r.id, r.parent_id, up.distance + 1 from up join region r on r.id = up.parent_id where up.distance < 16
)
select s.id, s.name, s.email, s.active, staff_deputy(s.id, %(at)s),
    staff_away(s.id, %(at)s) is not null, nullif(staff_away(s.id, %(at)s), 'infinity')
from up join staff s on s.region_id = up.id and s.active and 'manager' = any (s.roles)
order by up.distance, (select coalesce(sum(ticket_weight(t.priority)), 0) from ticket t where t.assignee_id = s.id
    and t.state in ('open', 'acknowledged', 'responded', 'reopened')), s.id;

-- name: dma_manager
select s.id, s.name, s.email, s.active, staff_deputy(s.id, %(at)s),
    staff_away(s.id, %(at)s) is not null, nullif(staff_away(s.id, %(at)s), 'infinity')
from dma d join staff s on s.id = d.manager_id
where d.id = %(dma_id)s;

-- name: duty_desk seq: staff
select s.id, s.name, s.email, s.active, staff_deputy(s.id, %(at)s),
    staff_away(s.id, %(at)s) is not null, nullif(staff_away(s.id, %(at)s), 'infinity')
from staff s
cross join lateral (select exists (select from duty_shift f
    where f.staff_id = s.id and f.starts_at <= %(at)s and f.ends_at > %(at)s) as rostered) d
where s.active and (s.on_duty_desk or d.rostered)
order by not d.rostered, s.email is null, (select coalesce(sum(ticket_weight(t.priority)), 0) from ticket t
    where t.assignee_id = s.id and t.state in ('open', 'acknowledged', 'responded', 'reopened')), s.id;

-- name: by_login
select id, active from staff where login = %(login)s;

-- name: staff seq: staff, region
select s.id, s.login, s.name, s.email, s.phone, s.language, s.roles, s.active, s.on_duty_desk, r.code as region,
    superior.login as superior, deputy.login as deputy, staff_away(s.id, %(at)s) is not null as away,
    nullif(staff_away(s.id, %(at)s), 'infinity') as away_until,
    (select p.login from staff p where p.id = staff_deputy(s.id, %(at)s)) as stands_in,
    exists (select from duty_shift f where f.staff_id = s.id and f.starts_at <= %(at)s and f.ends_at > %(at)s) as on_duty
from staff s
left join region r on r.id = s.region_id
left join staff superior on superior.id = s.superior_id
left join staff deputy on deputy.id = s.deputy_id
where (%(login)s::text is null or s.login = %(login)s)
    and (%(region)s::text is null or r.code = %(region)s)
    and (%(active)s::boolean is null or s.active = %(active)s)
    and s.login > %(after)s
order by s.login limit %(limit)s;

-- name: loads seq: staff
select s.id as staff_id, l.*, c.customers, v.visits_due, v.visits_overdue
from staff s
cross join lateral (
    select count(*) as open, count(*) filter (where t.priority = 'urgent') as urgent,
        count(*) filter (where t.priority = 'high') as high, count(*) filter (where t.priority = 'normal') as normal,
        count(*) filter (where t.priority = 'low') as low,
        count(*) filter (where t.state in ('open', 'reopened')) as not_taken_on,
        count(*) filter (where t.state = 'acknowledged') as acknowledged,
        count(*) filter (where t.state = 'responded') as responded,
        count(*) filter (where t.waiting_since is not null) as waiting,
        count(*) filter (where d.due <= %(at)s) as overdue,
        count(*) filter (where d.due > %(at)s and d.due <= %(at)s::timestamptz + interval '24 hours') as due_24h,
        min(d.due) as next_due, coalesce(sum(ticket_weight(t.priority)), 0) as weight
    from ticket t
    -- The clock of one that waits for the customer stands still.
    cross join lateral (select case when t.waiting_since is not null then null
        when t.state = 'responded' then t.resolution_due else least(t.response_due, t.resolution_due) end as due) d
    where t.assignee_id = s.id and t.state in ('open', 'acknowledged', 'responded', 'reopened')
) l
cross join lateral (select count(*) as customers from customer c where c.manager_id = s.id) c
cross join lateral (select count(*) as visits_due, count(*) filter (where v.due_on < %(today)s) as visits_overdue
    from visit v where v.manager_id = s.id and v.state in ('due', 'postponed') and v.due_on <= %(today)s::date + 7) v
where s.id = any (%(ids)s::bigint[]);

-- name: absences
select a.id, s.login, nullif(a.starts_at, '-infinity') as starts_at, nullif(a.ends_at, 'infinity') as ends_at, a.why, d.login as deputy, a.covered_at,
    cardinality(a.handed) as handed, a.created_by
from staff_absence a join staff s on s.id = a.staff_id left join staff d on d.id = a.deputy_id
where a.staff_id = %(staff_id)s and a.ends_at > %(since)s
order by a.starts_at limit 200;

-- name: absence
select a.starts_at < %(at)s, a.ends_at <= %(at)s, s.login from staff_absence a join staff s on s.id = a.staff_id
where a.id = %(id)s for update of a;

-- name: plan_absence
insert into staff_absence (staff_id, starts_at, ends_at, why, deputy_id, created_by, created_at)
values (%(staff_id)s, %(starts_at)s, coalesce(%(ends_at)s::timestamptz, 'infinity'), %(why)s, %(deputy_id)s, %(actor)s, %(at)s)
returning id;

-- name: end_absence
update staff_absence set ends_at = %(at)s where id = %(id)s;

-- name: call_off_absence
delete from staff_absence where id = %(id)s;

-- name: absences_begun
select a.id, a.staff_id from staff_absence a
where a.covered_at is null and a.starts_at <= %(at)s and a.ends_at > %(at)s
order by a.starts_at, a.id
for update skip locked;

-- name: cover_absence
update staff_absence set covered_at = %(at)s, handed = %(tickets)s::bigint[] where id = %(id)s;

-- name: handed_in_absences
select coalesce(array_agg(t), '{}') from staff_absence a, unnest(a.handed) t where a.staff_id = %(staff_id)s;

-- name: set_staff
update staff set deputy_id = %(deputy_id)s, superior_id = %(superior_id)s, region_id = %(region_id)s,
    on_duty_desk = %(on_duty_desk)s
where id = %(id)s;

-- name: staff_row
select deputy_id, superior_id, region_id, on_duty_desk from staff where id = %(id)s for update;

-- name: region_by_code
select id from region where code = %(code)s;

-- name: shifts
select f.id, s.login, s.name, f.starts_at, f.ends_at, f.note, f.created_by
from duty_shift f join staff s on s.id = f.staff_id
where f.ends_at > %(since)s and f.starts_at < %(until)s
order by f.starts_at, s.login limit 500;

-- name: add_shift
insert into duty_shift (staff_id, starts_at, ends_at, note, created_by, created_at)
select %(staff_id)s, %(starts_at)s, %(ends_at)s, %(note)s, %(actor)s, %(at)s
where not exists (select from duty_shift f
    where f.staff_id = %(staff_id)s and f.starts_at < %(ends_at)s and f.ends_at > %(starts_at)s)
returning id;

-- name: drop_shift
delete from duty_shift where id = %(id)s returning id;

-- name: regions seq: region, staff, dma
select r.code, r.name, p.code as parent,
    (select count(*) from dma d where d.region_id = r.id) as dmas,
    array(select s.login from staff s where s.region_id = r.id and s.active order by s.login) as staff
from region r left join region p on p.id = r.parent_id
order by r.code;

-- name: put_region
insert into region as r (code, name, parent_id)
values (%(code)s, %(name)s, (select id from region where code = %(parent)s))
on conflict (code) do update set name = excluded.name, parent_id = excluded.parent_id
returning id;

-- name: region_is_under
with recursive up (id, parent_id, distance) as (
    select id, parent_id, 0 from region where code = %(code)s
    union all
    select r.id, r.parent_id, up.distance + 1 from up join region r on r.id = up.parent_id where up.distance < 64
)
select count(*) > 0 from up join region r on r.id = up.id where r.code = %(above)s;

-- name: upsert_staff
insert into staff as s (login, name, email, phone, language, roles, region_id, on_duty_desk)
values (%(login)s, %(name)s, %(email)s, %(phone)s, %(language)s, %(roles)s,
    (select id from region where code = %(region)s), %(duty_desk)s)
on conflict (login) do update set name = excluded.name, email = coalesce(excluded.email, s.email),
    phone = coalesce(excluded.phone, s.phone), language = excluded.language, roles = excluded.roles,
    region_id = coalesce(excluded.region_id, s.region_id), on_duty_desk = excluded.on_duty_desk
where (s.name, s.email, s.phone, s.language, s.roles, s.region_id, s.on_duty_desk)
    is distinct from (excluded.name, coalesce(excluded.email, s.email), coalesce(excluded.phone, s.phone),
        excluded.language, excluded.roles, coalesce(excluded.region_id, s.region_id), excluded.on_duty_desk);

-- name: link_staff
update staff s set superior_id = superior.id, deputy_id = deputy.id
from (select %(login)s::text as login, %(superior)s::text as superior, %(deputy)s::text as deputy) given
left join staff superior on superior.login = given.superior
left join staff deputy on deputy.login = given.deputy
where s.login = given.login and (given.superior is not null or given.deputy is not null)
    and (s.superior_id, s.deputy_id) is distinct from (superior.id, deputy.id);

-- name: lock_admins
select pg_advisory_xact_lock(hashtextextended('admins', 0));

-- name: admins seq: staff
select count(*) from staff where active and 'admin' = any (roles);

-- name: account_row
select login, name, email, phone, language, roles from staff where id = %(id)s for update;

-- name: set_account
update staff set name = %(name)s, email = %(email)s, phone = %(phone)s, language = %(language)s, roles = %(roles)s
where id = %(id)s;

-- name: colleagues
select login, name, roles from staff where active order by login limit 1000;

-- name: away_between
select a.id, s.login, s.name, nullif(a.starts_at, '-infinity') as starts_at, nullif(a.ends_at, 'infinity') as ends_at,
    d.login as deputy
from staff_absence a join staff s on s.id = a.staff_id and s.active left join staff d on d.id = coalesce(a.deputy_id, s.deputy_id)
where a.ends_at > %(since)s and a.starts_at < %(until)s
order by a.starts_at, s.login limit 500;
