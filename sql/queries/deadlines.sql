-- name: calendar
select c.code, c.hours, coalesce(u.timezone, 'UTC'), c.holidays, coalesce(c.country, ''), coalesce(u.country, ''),
    coalesce(c.subdivision, ''), c.closed_days, c.extra_days
from calendar c left join utility u on u.one
where c.code = %(code)s;

-- name: policies seq: sla_policy
select code, calendar, response_s, resolution_s, response_warn_s, resolution_warn_s, escalate_s from sla_policy;

-- name: policy seq: sla_policy
select code, calendar, response_s, resolution_s, response_warn_s, resolution_warn_s, escalate_s
from sla_policy where code = %(code)s;

-- name: policy_for seq: sla_policy
select code, calendar, response_s, resolution_s, response_warn_s, resolution_warn_s, escalate_s
from sla_policy
where active and urgent = %(urgent)s and (urgent or priority = %(level)s) and (topic is null or topic = %(topic)s)
    and (segment is null or segment = (select segment from customer where account_no = %(account_no)s))
order by topic is null, segment is null, id limit 1;

-- name: clock_of_ticket
select state, sla, waiting_since, responded_at is null as unanswered, response_due, resolution_due
from ticket where id = %(ticket_id)s for update;

-- name: stop_clock
update ticket set waiting_since = %(at)s, version = version + 1 where id = %(ticket_id)s;

-- name: start_clock
update ticket set waiting_since = null, response_due = %(response_due)s, resolution_due = %(resolution_due)s,
    version = version + 1
where id = %(ticket_id)s;

-- name: begin_pause
insert into ticket_pause (ticket_id, began_at, began_by, why) values (%(ticket_id)s, %(at)s, %(actor)s, %(why)s);

-- name: end_pause
update ticket_pause set ended_at = greatest(began_at, %(at)s), ended_by = %(actor)s
where ticket_id = %(ticket_id)s and ended_at is null;

-- name: due_clocks
select id, sla, assignee_id, responded_at is null, response_due, resolution_due, response_stage, resolution_stage
from ticket where look_at <= %(at)s order by look_at limit %(most)s for update skip locked;

-- name: set_clocks
update ticket t set look_at = c.look_at, response_stage = c.response, resolution_stage = c.resolution
from jsonb_to_recordset(%(clocks)s) c (id bigint, look_at timestamptz, response smallint, resolution smallint)
where t.id = c.id;

-- name: enter_acts
insert into ticket_entry (ticket_id, at, actor, kind, why, detail)
select a.ticket_id, %(at)s, 'system', a.kind, a.why, a.detail
from jsonb_to_recordset(%(acts)s) a (ticket_id bigint, kind text, why text, detail jsonb);

-- name: staff_above seq: staff
select id, name, active, superior_id, staff_deputy(id, %(at)s), staff_away(id, %(at)s) is not null from staff;
