-- name: causes seq: cause_code
select code, zh, en, topics, groups, active, version, changed_by, changed_at from cause_code
where (%(active)s::boolean is null or active = %(active)s)
    and (%(topic)s::text is null or %(topic)s = any (topics))
    and (%(grp)s::text is null or %(grp)s = any (groups))
order by code;

-- name: cause
select code, zh, en, topics, groups, active, version, changed_by, changed_at from cause_code where code = %(code)s;

-- name: add_cause
insert into cause_code (code, zh, en, topics, groups, active, changed_by, changed_at)
values (%(code)s, %(zh)s, %(en)s, %(topics)s, %(groups)s, %(active)s, %(actor)s, %(at)s)
on conflict do nothing
returning code;

-- name: change_cause
update cause_code set zh = %(zh)s, en = %(en)s, topics = %(topics)s, groups = %(groups)s, active = %(active)s,
    changed_by = %(actor)s, changed_at = %(at)s, version = version + 1
where code = %(code)s and version = coalesce(%(version)s::int, version)
returning code;

-- name: cause_state
select version, changed_by, changed_at from cause_code where code = %(id)s;

-- name: problems seq: known_problem
select id, zh, en, topics, groups, detectors, sectors, cause_code, active, version, changed_by, changed_at
from known_problem
where id > %(id)s
    and (%(active)s::boolean is null or active = %(active)s)
    and (%(topic)s::text is null or %(topic)s = any (topics))
    and (%(grp)s::text is null or %(grp)s = any (groups))
    and (%(detector)s::text is null or %(detector)s = any (detectors))
order by id limit %(limit)s;

-- name: problem
select id, zh, en, topics, groups, detectors, sectors, cause_code, active, version, changed_by, changed_at
from known_problem where id = %(id)s;

-- name: add_problem
insert into known_problem (zh, en, topics, groups, detectors, sectors, cause_code, active, changed_by, changed_at)
values (%(zh)s, %(en)s, %(topics)s, %(groups)s, %(detectors)s, %(sectors)s, %(cause_code)s, %(active)s, %(actor)s,
    %(at)s)
returning id;

-- name: change_problem
update known_problem set zh = %(zh)s, en = %(en)s, topics = %(topics)s, groups = %(groups)s,
    detectors = %(detectors)s, sectors = %(sectors)s, cause_code = %(cause_code)s, active = %(active)s,
    changed_by = %(actor)s, changed_at = %(at)s, version = version + 1
where id = %(id)s and version = coalesce(%(version)s::int, version)
returning id;

-- name: problem_state
select version, changed_by, changed_at from known_problem where id = %(id)s;

-- name: offered seq: known_problem
-- Points: a detector that saw it 3, topic or group 2, the cause of an earlier ticket of the customer 2, a sector of its own 1.
with about as (
    select t.topic, c.sector,
        array(select distinct x.grp from (select t.grp union all select e.grp from ticket_event te
            join event e on e.id = te.event_id where te.ticket_id in (select ticket_family(t.id))) x) as groups,
        array(select distinct d from ticket_event te join event e on e.id = te.event_id, unnest(e.detectors) d
            where te.ticket_id in (select ticket_family(t.id))) as detectors,
        array(select distinct o.cause_code from ticket o
            where o.account_no = t.account_no and o.id <> t.id and o.cause_code is not null) as earlier
    from ticket t left join customer c on c.account_no = t.account_no
    where t.id = %(id)s),
ranked as (
    select p.id, p.zh, p.en, p.cause_code,
        case when p.detectors && a.detectors then 3 else 0 end
            + case when a.topic = any (p.topics) or p.groups && a.groups then 2 else 0 end as fits,
        case when p.cause_code = any (a.earlier) then 2 else 0 end
            + case when a.sector = any (p.sectors) then 1 else 0 end as likely,
        p.cause_code = any (a.earlier) as before
    from known_problem p, about a
    where p.active and (p.sectors = '{}' or a.sector is null or a.sector = any (p.sectors)))
select id, zh, en, cause_code, coalesce(before, false) as before from ranked
where fits > 0
order by fits + likely desc, id limit %(limit)s;

-- name: recurring
-- Each ticket with a cause, and the one of the same cause and subject before it: within `again` of that one's
-- resolution it has come back.
with solved as (
    select t.id, t.cause_code, t.opened_at, t.resolved_at, s.subject, s.name
    from ticket t, lateral (
        select t.account_no as subject, (select c.name from customer c where c.account_no = t.account_no) as name
        where %(by)s = 'customer' and t.account_no is not null
        union all
        select d.code, d.name from dma d where %(by)s = 'dma' and d.id = t.dma_id
        union all
        select distinct m.serial, null from ticket_event te join event e on e.id = te.event_id
            join meter m on m.id = e.meter_id
        where %(by)s = 'meter' and te.ticket_id = t.id) s
    where t.cause_code is not null and t.resolved_at > %(since)s::timestamptz - %(again)s::interval
        and t.resolved_at <= %(until)s
        and (%(cause)s::text is null or t.cause_code = %(cause)s)),
told as (
    select s.*, opened_at - lag(resolved_at) over (partition by cause_code, subject order by opened_at, id) as rest
    from solved s)
select t.cause_code as cause, c.zh, c.en, t.subject, t.name, count(*) as tickets,
    count(*) filter (where t.rest between interval '0' and %(again)s::interval) as again,
    extract(epoch from min(t.rest) filter (where t.rest >= interval '0'))::float8 / 86400 as shortest_rest_days,
    max(t.resolved_at) as last_resolved_at, (array_agg(t.id order by t.resolved_at desc))[1:20] as ticket_ids
from told t join cause_code c on c.code = t.cause_code
where t.resolved_at > %(since)s
group by t.cause_code, c.zh, c.en, t.subject, t.name
having count(*) >= %(least)s
order by again desc, tickets desc, t.cause_code, t.subject
limit %(limit)s;
