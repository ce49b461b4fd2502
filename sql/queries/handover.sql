-- name: assign
update ticket t set assignee_id = %(staff_id)s, routed_by = %(routed_by)s, version = t.version + 1
from (select id, routed_by from ticket where id = %(ticket_id)s) was where t.id = was.id
returning t.version, was.routed_by;

-- name: last_hand_over
select e.actor, (e.detail ->> 'from_id')::bigint, e.detail ->> 'routed_by',
    exists (select from ticket_entry n where n.ticket_id = e.ticket_id and n.id > e.id and n.actor <> 'system')
from ticket_entry e
where e.ticket_id = %(ticket_id)s and e.kind in ('assigned', 'handed_over') order by e.id desc limit 1;

-- name: people seq: staff
select s.id, s.name, s.region_id, s.on_duty_desk, 'manager' = any (s.roles) as manager,
    (select coalesce(sum(ticket_weight(t.priority)), 0) from ticket t where t.assignee_id = s.id
        and t.state in ('open', 'acknowledged', 'responded', 'reopened')) as weight
from staff s
where s.active and s.id <> %(except)s and staff_away(s.id, %(at)s) is null;

-- name: regions seq: region
select id, parent_id from region;

-- name: hold
select id from ticket
where assignee_id = %(from_id)s and state in ('open', 'acknowledged', 'responded', 'reopened')
order by id for update;

-- name: needed_regions
select distinct coalesce(d.region_id, 0) from (
    select dma_id from customer where manager_id = %(from_id)s and %(customers)s
    union
    select dma_id from ticket where assignee_id = %(from_id)s and state in ('open', 'acknowledged', 'responded', 'reopened')
) p left join dma d on d.id = p.dma_id;

-- name: move_customers
with receiver as (
    select * from unnest(%(regions)s::int[], %(positions)s::int[], %(staff)s::bigint[]) r (region_id, position, staff_id)
), mine as (
    select c.account_no, coalesce(d.region_id, 0) as region_id,
        row_number() over (partition by coalesce(d.region_id, 0) order by c.account_no) - 1 as nth
    from customer c left join dma d on d.id = c.dma_id
    where c.manager_id = %(from_id)s
), given as (
    select m.account_no, r.staff_id
    from mine m
    join (select region_id, count(*) as many from receiver group by region_id) w on w.region_id = m.region_id
    join receiver r on r.region_id = m.region_id and r.position = m.nth %% w.many
), changed as (
    update customer c set manager_id = g.staff_id, version = c.version + 1, updated_at = %(at)s
    from given g where c.account_no = g.account_no
    returning c.account_no, c.version, g.staff_id
), logged as (
    insert into customer_change (account_no, version, at, actor, why, before, after)
    select account_no, version, %(at)s, %(actor)s, %(why)s, jsonb_build_object('manager_id', %(from_id)s::bigint),
        jsonb_build_object('manager_id', staff_id)
    from changed
)
select staff_id, count(*) from changed group by staff_id order by staff_id;

-- name: move_tickets
with receiver as (
    select * from unnest(%(regions)s::int[], %(positions)s::int[], %(staff)s::bigint[]) r (region_id, position, staff_id)
), mine as (
    select t.id, coalesce(d.region_id, 0) as region_id, m.id as manager_id,
        row_number() over (partition by coalesce(d.region_id, 0), m.id is null order by t.id) - 1 as nth
    from ticket t
    left join dma d on d.id = t.dma_id
    left join customer c on c.account_no = t.account_no
    -- What belongs to somebody's customer goes to that manager, unless one receiver is named.
    left join staff m on not %(to_one)s and m.id = c.manager_id and m.id <> %(from_id)s and m.active
        and staff_away(m.id, %(at)s) is null
    where t.assignee_id = %(from_id)s and t.state in ('open', 'acknowledged', 'responded', 'reopened')
        and (not %(urgent)s or t.urgent)
), given as (
    select m.id, coalesce(m.manager_id, r.staff_id) as staff_id
    from (select id, region_id, manager_id, nth from mine) m
    left join (select region_id, count(*) as many from receiver group by region_id) w on w.region_id = m.region_id
    left join receiver r on r.region_id = m.region_id and r.position = m.nth %% w.many
), changed as (
    update ticket t set assignee_id = g.staff_id, routed_by = 'person', version = t.version + 1
    from given g where t.id = g.id
    returning t.id, t.priority, t.resolution_due, g.staff_id
), logged as (
    insert into ticket_entry (ticket_id, at, actor, kind, why, detail)
    select n.id, %(at)s, %(actor)s, 'handed_over', %(why)s, jsonb_build_object('from', f.login, 'from_id', f.id, 'to', s.login,
        'to_id', s.id, 'note', %(why)s::text, 'because', %(because)s::text)
    from changed n join staff s on s.id = n.staff_id cross join (select id, login from staff where id = %(from_id)s) f
)
select staff_id, array_agg(id order by resolution_due, id) from changed group by staff_id order by staff_id;

-- name: still_covered
select t.id from unnest(%(tickets)s::bigint[]) h (id)
join ticket t on t.id = h.id and t.state in ('open', 'acknowledged', 'responded', 'reopened')
join lateral (select e.detail from ticket_entry e where e.ticket_id = t.id and e.kind in ('handed_over', 'assigned')
    order by e.id desc limit 1) e on (e.detail ->> 'from_id')::bigint = %(staff_id)s
        and (e.detail ->> 'to_id')::bigint = t.assignee_id
order by t.id for update of t;

-- name: take_back
with had as (
    select t.id, t.assignee_id from ticket t where t.id = any (%(tickets)s)
), changed as (
    update ticket t set assignee_id = %(staff_id)s, routed_by = 'person', version = t.version + 1
    from had h where t.id = h.id
    returning t.id, h.assignee_id as was
)
insert into ticket_entry (ticket_id, at, actor, kind, why, detail)
select n.id, %(at)s, %(actor)s, 'handed_over', %(why)s, jsonb_build_object('from', f.login, 'from_id', f.id, 'to', s.login,
    'to_id', s.id, 'note', %(why)s::text, 'because', 'back')
from changed n join staff f on f.id = n.was cross join (select id, login from staff where id = %(staff_id)s) s;

-- name: handed seq: staff
select t.id, t.priority, t.urgent, t.grp, t.topic, t.subject, c.name, c.account_no, d.name, t.response_due,
    t.resolution_due, t.responded_at is not null
from ticket t
left join customer c on c.account_no = t.account_no
left join dma d on d.id = t.dma_id
where t.id = any (%(tickets)s::bigint[])
order by t.resolution_due, t.id;

-- name: leaver
select login, name, active, superior_id from staff where id = %(id)s for update;

-- name: deactivate
update staff set active = false, on_duty_desk = false, deputy_id = null where id = %(id)s;

-- name: stand_in_no_more seq: staff
update staff set deputy_id = null where deputy_id = %(id)s;

-- name: report_to_superior seq: staff
update staff set superior_id = %(superior_id)s where superior_id = %(id)s;

-- name: leave_districts seq: dma
update dma set manager_id = %(to_id)s where manager_id = %(id)s returning code;

-- name: leave_crews seq: crew
update crew set lead_id = %(to_id)s where lead_id = %(id)s returning code;

-- name: leave_members
delete from crew_member where staff_id = %(id)s;

-- name: leave_roster
delete from duty_shift where staff_id = %(id)s and ends_at > %(at)s returning id;

-- name: leave_absences
delete from staff_absence where staff_id = %(id)s and starts_at > %(at)s;

-- name: leave_as_deputy seq: staff_absence
update staff_absence set deputy_id = null where deputy_id = %(id)s and ends_at > %(at)s;

-- name: visits_due
select count(*) from visit where manager_id = %(id)s and state in ('due', 'postponed');

-- name: leave_visits
update visit v set manager_id = c.manager_id from customer c
where v.manager_id = %(id)s and v.state in ('due', 'postponed') and c.account_no = v.account_no returning v.id;

-- name: leave_keys seq: api_key
update api_key set revoked_at = %(at)s where staff_id = %(id)s and revoked_at is null returning prefix;

-- name: leave_sessions seq: session
delete from session where staff_id = %(id)s;

-- name: logins
select id, login from staff where id = any (%(ids)s::bigint[]);
