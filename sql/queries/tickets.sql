-- name: lower_priority
update ticket set priority = %(priority)s, urgent = %(urgent)s, sla = %(sla)s,
    response_due = greatest(response_due, %(response_due)s), resolution_due = greatest(resolution_due, %(resolution_due)s),
    version = version + 1
where id = %(ticket_id)s;

-- name: last_step
select from_state, to_state from ticket_entry
where ticket_id = %(ticket_id)s and to_state is not null
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
select coalesce((select dma_id from service_point where id = %(service_point_id)s),
    (select dma_id from customer where account_no = %(account_no)s)),
    (select segment from customer where account_no = %(account_no)s);

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
