-- name: lower_priority
update ticket set priority = %(priority)s, urgent = %(urgent)s, sla = %(sla)s,
    response_due = greatest(response_due, %(response_due)s), resolution_due = greatest(resolution_due, %(resolution_due)s),
    version = version + 1
where id = %(ticket_id)s;

-- name: state_before
select from_state from ticket_entry
where ticket_id = %(ticket_id)s and to_state = %(state)s and kind = any (%(kinds)s)
order by id desc limit 1;

-- name: set_undone
update ticket set state = %(state)s, confirmed_at = null,
    resolved_at = case when %(state)s = 'resolved' then resolved_at end,
    resolved_by = case when %(state)s = 'resolved' then resolved_by end,
    cause = case when %(state)s = 'resolved' then cause end,
    cause_code = case when %(state)s = 'resolved' then cause_code end,
    responded_at = case when %(state)s in ('responded', 'resolved') then responded_at end,
    acknowledged_at = case when %(state)s in ('acknowledged', 'responded', 'resolved') then acknowledged_at end,
    version = version + 1
where id = %(ticket_id)s;

-- name: set_merged
update ticket set state = 'merged', merged_into = %(into_id)s, version = version + 1 where id = %(ticket_id)s;

-- name: set_unmerged
update ticket set state = %(state)s, merged_into = null, version = version + 1 where id = %(ticket_id)s;

-- name: unrelate_tickets
delete from ticket_relation
where (ticket_id, related_id) in ((%(ticket_id)s, %(related_id)s), (%(related_id)s, %(ticket_id)s));

-- name: customer_of_case
select account_no from customer where account_no = %(account_no)s;

-- name: events_there
select id from event where id = any (%(event_ids)s::bigint[]);

-- name: place_of_case
select coalesce((select dma_id from service_point where id = %(service_point_id)s), c.dma_id), c.segment,
    coalesce(g.urgent, false), coalesce(g.lift, 0)
from (values (%(account_no)s::text)) of (account_no)
left join customer c on c.account_no = of.account_no
left join segment_rule g on g.segment = c.segment and g.sector = c.sector;

-- name: tickets_of_matter
select t.id from ticket t
where t.id in (
        select o.id from ticket o
        where o.account_no = %(account_no)s and o.state in ('open', 'acknowledged', 'responded', 'reopened')
            and (o.grp = any (%(groups)s::text[]) or o.topic = %(topic)s::text)
        union all
        select ticket_survivor(te.ticket_id) from ticket_event te where te.event_id = any (%(event_ids)s::bigint[]))
    and t.state in ('open', 'acknowledged', 'responded', 'reopened')
order by t.queue, t.next_due, t.id;

-- name: set_reporter
update ticket set reporter = %(reporter)s where id = %(ticket_id)s;

-- name: attach_events
insert into ticket_event (event_id, ticket_id) select unnest(%(event_ids)s::bigint[]), %(ticket_id)s
on conflict do nothing;

-- name: relate_to_district
insert into ticket_relation (ticket_id, related_id, why)
select pair.a, pair.b, 'same district'
from ticket t, lateral (values (t.id, %(ticket_id)s::bigint), (%(ticket_id)s::bigint, t.id)) pair (a, b)
where t.dma_id = %(dma_id)s and t.account_no is null and t.grp = any (%(groups)s::text[]) and t.id <> %(ticket_id)s
    and t.state in ('open', 'acknowledged', 'responded', 'reopened')
on conflict do nothing;

-- name: take_complaint
update ticket set topic = coalesce(topic, %(topic)s),
    said = case when subject = '' then %(said)s else said end,
    subject = case when subject = '' then %(subject)s else subject end,
    version = version + 1
where id = %(ticket_id)s;

-- name: note_mail
insert into mail_in (message_id, received_at, sender, outcome)
values (%(message_id)s, %(at)s, %(sender)s, %(outcome)s)
on conflict do nothing
returning message_id;

-- name: mail_ticket
select ticket_id from mail_in where message_id = %(message_id)s;

-- name: place_mail
update mail_in set outcome = %(outcome)s, ticket_id = %(ticket_id)s where message_id = %(message_id)s;

-- name: staff_by_email seq: staff
select id, login from staff where lower(email) = %(email)s and active order by id limit 1;

-- name: customers_by_email
select account_no from customer where lower(email) = %(email)s and email <> '' order by account_no limit 50;

-- name: ticket_of_mail
select s.id, t.opened_at, s.account_no, lower(t.reporter ->> 'email'), s.resolved_at
from ticket t join ticket s on s.id = ticket_survivor(t.id)
where t.id = %(ticket_id)s;

-- name: tickets_by
select headwater_tickets_by(%(detector)s, 1000) as ids;

-- name: tickets seq: staff, dma
select t.id, t.state, t.source, t.topic, t.subject, t.opened_by, t.priority, t.urgent, t.sla, t.account_no, c.name as customer,
    c.segment, d.code as dma, t.grp, s.login as assignee, t.routed_by, t.opened_at, t.response_due, t.resolution_due,
    t.next_due, t.queue, t.waiting_since, t.acknowledged_at, t.responded_at, t.resolved_at, t.confirmed_at,
    t.merged_into, t.cause_code, t.cause, t.version, z.wakes_at as snoozed_until
from ticket t
left join customer c on c.account_no = t.account_no
left join staff s on s.id = t.assignee_id
left join dma d on d.id = t.dma_id
left join ticket_asleep z on z.ticket_id = t.id and z.staff_id = %(me)s and z.wakes_at > %(now)s
where (t.opened_at, t.id) < (%(at)s::timestamptz, %(id)s::bigint)
    and (%(states)s::text[] is null or t.state = any (%(states)s))
    and (%(assignee)s::text is null or t.assignee_id = (select id from staff where login = %(assignee)s))
    and (%(whose)s::text is null or case %(whose)s when 'unassigned' then t.assignee_id is null
        when 'mine' then t.assignee_id = %(me)s::bigint
        else t.assignee_id = %(me)s or t.assignee_id in (select id from staff where superior_id = %(me)s) end)
    and (%(snoozed)s::boolean is null or %(snoozed)s = (z.ticket_id is not null))
    and (%(account_no)s::text is null or t.account_no = %(account_no)s)
    and (%(urgent)s::boolean is null or t.urgent = %(urgent)s)
    and (%(grp)s::text is null or t.grp = %(grp)s)
    and (%(topic)s::text is null or t.topic = %(topic)s)
    and (%(source)s::text is null or t.source = %(source)s)
    and (%(dma)s::text is null or t.dma_id = (select id from dma where code = %(dma)s))
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(waiting)s::boolean is null or (t.waiting_since is not null) = %(waiting)s)
    and (%(overdue)s::boolean is null or %(overdue)s = (t.waiting_since is null and t.next_due < %(now)s
        and t.state in ('open', 'acknowledged', 'responded', 'reopened')))
    and (%(since)s::timestamptz is null or t.opened_at >= %(since)s)
    and (%(until)s::timestamptz is null or t.opened_at < %(until)s)
    and (%(found)s::bigint[] is null or t.id = any (%(found)s))
    and (%(detector)s::text is null or (select bool_or(%(detector)s = any (e.detectors))
        from ticket_event n join event e on e.id = n.event_id where n.ticket_id = t.id))
    and (%(q)s::text is null or t.id in (select headwater_tickets_about(%(q)s)))
order by t.opened_at desc, t.id desc limit %(limit)s;

-- name: inbox seq: staff, dma
select t.id, t.state, t.source, t.topic, t.subject, t.opened_by, t.priority, t.urgent, t.sla, t.account_no, c.name as customer,
    c.segment, d.code as dma, t.grp, s.login as assignee, t.routed_by, t.opened_at, t.response_due, t.resolution_due,
    t.next_due, t.queue, t.waiting_since, t.acknowledged_at, t.responded_at, t.resolved_at, t.confirmed_at,
    t.merged_into, t.cause_code, t.cause, t.version, z.wakes_at as snoozed_until
from ticket t
left join customer c on c.account_no = t.account_no
left join staff s on s.id = t.assignee_id
left join dma d on d.id = t.dma_id
left join ticket_asleep z on z.ticket_id = t.id and z.staff_id = %(me)s and z.wakes_at > %(now)s
where (t.queue, t.next_due, t.id) > (%(queue)s::smallint, %(at)s::timestamptz, %(id)s::bigint)
    and t.state in ('open', 'acknowledged', 'responded', 'reopened')
    and (%(states)s::text[] is null or t.state = any (%(states)s))
    and (%(assignee)s::text is null or t.assignee_id = (select id from staff where login = %(assignee)s))
    and (%(whose)s::text is null or case %(whose)s when 'unassigned' then t.assignee_id is null
        when 'mine' then t.assignee_id = %(me)s::bigint
        else t.assignee_id = %(me)s or t.assignee_id in (select id from staff where superior_id = %(me)s) end)
    and (%(snoozed)s::boolean is null or %(snoozed)s = (z.ticket_id is not null))
    and (%(account_no)s::text is null or t.account_no = %(account_no)s)
    and (%(urgent)s::boolean is null or t.urgent = %(urgent)s)
    and (%(grp)s::text is null or t.grp = %(grp)s)
    and (%(topic)s::text is null or t.topic = %(topic)s)
    and (%(source)s::text is null or t.source = %(source)s)
    and (%(dma)s::text is null or t.dma_id = (select id from dma where code = %(dma)s))
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(waiting)s::boolean is null or (t.waiting_since is not null) = %(waiting)s)
    and (%(overdue)s::boolean is null or %(overdue)s = (t.waiting_since is null and t.next_due < %(now)s
        and t.state in ('open', 'acknowledged', 'responded', 'reopened')))
    and (%(since)s::timestamptz is null or t.opened_at >= %(since)s)
    and (%(until)s::timestamptz is null or t.opened_at < %(until)s)
    and (%(found)s::bigint[] is null or t.id = any (%(found)s))
    and (%(detector)s::text is null or (select bool_or(%(detector)s = any (e.detectors))
        from ticket_event n join event e on e.id = n.event_id where n.ticket_id = t.id))
    and (%(q)s::text is null or t.id in (select headwater_tickets_about(%(q)s)))
order by t.queue, t.next_due, t.id limit %(limit)s;

-- name: one
select t.id, t.state, t.source, t.topic, t.subject, t.opened_by, t.priority, t.urgent, t.sla, t.account_no, c.name as customer,
    c.segment, d.code as dma, t.grp, s.login as assignee, t.routed_by, t.opened_at, t.response_due, t.resolution_due,
    t.next_due, t.queue, t.waiting_since, t.acknowledged_at, t.responded_at, t.resolved_at, t.confirmed_at,
    t.merged_into, t.cause_code, t.cause, t.version,
    t.said, t.reporter,
    (select count(*) from ticket_event e where e.ticket_id in (select ticket_family(t.id))) as events_total
from ticket t
left join customer c on c.account_no = t.account_no
left join staff s on s.id = t.assignee_id
left join dma d on d.id = t.dma_id
where t.id = %(id)s;

-- name: entries
select at, actor, kind, from_state, to_state, why, detail, coalesce((select jsonb_agg(jsonb_build_object('id', a.id,
        'name', a.name, 'media_type', a.media_type, 'size_bytes', a.size_bytes) order by a.id)
    from ticket_attachment a where a.entry_id = e.id), '[]') as attachments
from ticket_entry e
where ticket_id = %(id)s order by id limit %(limit)s;

-- name: events
select e.id, e.subject_kind, e.subject, e.grp, e.detectors, e.onset, e.detected_at, e.cleared_at, e.retracted_at,
    e.severity, e.magnitude, e.unit, e.loss_m3, e.money
from ticket_event t join event e on e.id = t.event_id
where t.ticket_id in (select ticket_family(%(id)s)) order by e.detected_at desc, e.id desc limit %(limit)s;

-- name: related
select r.related_id as id, t.state, t.subject, r.why
from ticket_relation r join ticket t on t.id = r.related_id
where r.ticket_id = %(id)s order by r.related_id limit %(limit)s;

-- name: merged
select t.id, t.source, t.subject, t.account_no, t.opened_at, t.merged_into
from ticket t where t.id in (select ticket_family(%(id)s)) and t.id <> %(id)s order by t.id limit %(limit)s;

-- name: messages
select o.id, o.step, o.channel, o.recipient, o.language, o.state, o.attempts, o.created_at, o.sent_at, o.last_error,
    (select l.receipt from delivery l where l.outbox_id = o.id and l.ok order by l.attempt desc limit 1) as receipt
from outbox o where o.ticket_id in (select ticket_family(%(id)s)) order by o.id limit %(limit)s;

-- name: customer_by_account_no
select account_no from customer where account_no = %(value)s;

-- name: customer_by_meter
select p.account_no from meter m
join meter_installation i on i.meter_id = m.id and i.removed_at = 'infinity'
join service_point p on p.id = i.service_point_id
join customer c on c.account_no = p.account_no
where m.serial = %(value)s;

-- name: pauses
select began_at, began_by, why, ended_at, ended_by from ticket_pause where ticket_id = %(id)s order by id limit %(limit)s;

-- name: open_of_customer
select t.id, t.state, t.priority, t.urgent, t.grp, (select s.login from staff s where s.id = t.assignee_id) as assignee,
    t.opened_at, t.response_due, t.resolution_due
from ticket t
where t.account_no = %(account_no)s and t.state in ('open', 'acknowledged', 'responded', 'reopened')
order by t.opened_at desc, t.id desc limit %(limit)s;

-- name: joined_told_soon
select id from outbox
where ticket_id = %(ticket_id)s and step = 'joined' and state = 'pending' and not_before > %(at)s
limit 1;

-- name: keep_attachment
insert into ticket_attachment (ticket_id, entry_id, name, media_type, size_bytes, content)
values (%(ticket_id)s, %(entry_id)s, %(name)s, %(media_type)s, length(%(content)s::bytea), %(content)s);

-- name: attachment
select name, media_type, content from ticket_attachment where id = %(attachment_id)s and ticket_id = %(id)s;

-- name: snooze
insert into ticket_snooze (staff_id, ticket_id, until, after_entry, actor)
select %(staff_id)s, %(ticket_id)s, %(until)s,
    coalesce((select id from ticket_entry where ticket_id = %(ticket_id)s order by id desc limit 1), 0), %(actor)s
on conflict (staff_id, ticket_id) do update
set until = excluded.until, after_entry = excluded.after_entry, actor = excluded.actor;

-- name: next_due
select next_due from ticket where id = %(ticket_id)s;

-- name: wake
delete from ticket_snooze where staff_id = %(staff_id)s and ticket_id = %(ticket_id)s;

-- name: desk_counts
select count(*) as open, count(*) filter (where urgent) as urgent, count(*) filter (where assignee_id is null) as unassigned,
    count(*) filter (where waiting_since is null and next_due < %(now)s) as overdue
from ticket where state in ('open', 'acknowledged', 'responded', 'reopened');

-- name: news
with mine as (
    select id from ticket
    where assignee_id = %(me)s and state in ('open', 'acknowledged', 'responded', 'reopened')
    union select id from ticket where assignee_id = %(me)s and opened_at > %(since)s::timestamptz - interval '60 days'
)
select e.ticket_id, e.at, e.actor, e.kind, e.from_state, e.to_state, e.why, t.subject, t.grp
from mine join ticket_entry e on e.ticket_id = mine.id join ticket t on t.id = mine.id
where e.at > %(since)s and e.actor <> %(actor)s
order by e.at desc, e.id desc limit %(limit)s;

-- name: asleep_count
select count(*) as n from ticket_asleep where staff_id = %(me)s and wakes_at > %(now)s;
