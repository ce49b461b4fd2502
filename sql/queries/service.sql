-- name: serialise
select pg_advisory_xact_lock(hashtextextended(%(key)s, 0));

-- name: event
select e.id, e.grp, e.subject_kind, e.subject, e.detectors, e.severity, e.account_no, e.dma_id, e.cleared_at,
    e.last_seen, e.magnitude, e.unit, e.suppressed_by, e.retracted_at, c.segment,
    coalesce(e.dma_id, c.dma_id) as place_dma_id, coalesce(g.urgent, false), coalesce(g.lift, 0)
from event e
left join customer c on c.account_no = e.account_no
left join segment_rule g on g.segment = c.segment and g.sector = c.sector
where e.id = %(event_id)s;

-- name: ticket_of_event
select ticket_survivor(ticket_id) from ticket_event where event_id = %(event_id)s;

-- name: open_ticket_of_customer
select id from ticket
where account_no = %(account_no)s and (grp = %(grp)s or topic = any (%(topics)s::text[]))
    and state in ('open', 'acknowledged', 'responded', 'reopened')
order by opened_at desc, id desc limit 1;

-- name: open_ticket_of_dma
select id from ticket
where dma_id = %(dma_id)s and account_no is null and grp = %(grp)s
    and state in ('open', 'acknowledged', 'responded', 'reopened')
order by opened_at desc, id desc limit 1;

-- name: insert_ticket
insert into ticket (source, priority, urgent, sla, account_no, dma_id, service_point_id, grp, topic, subject, said,
    opened_by, assignee_id, routed_by, opened_at, response_due, resolution_due)
values (%(source)s, %(priority)s, %(urgent)s, %(sla)s, %(account_no)s, %(dma_id)s, %(service_point_id)s, %(grp)s,
    %(topic)s, %(subject)s, %(said)s, %(opened_by)s, %(assignee_id)s, %(routed_by)s, %(at)s, %(response_due)s,
    %(resolution_due)s)
returning id;

-- name: insert_ticket_event
insert into ticket_event (event_id, ticket_id) values (%(event_id)s, %(ticket_id)s);

-- name: relate_open_tickets
insert into ticket_relation (ticket_id, related_id, why)
select pair.a, pair.b, 'same customer'
from ticket t, lateral (values (t.id, %(ticket_id)s::bigint), (%(ticket_id)s::bigint, t.id)) pair (a, b)
where t.account_no = %(account_no)s and t.id <> %(ticket_id)s
    and t.state in ('open', 'acknowledged', 'responded', 'reopened')
on conflict do nothing;

-- name: relate_tickets
insert into ticket_relation (ticket_id, related_id, why)
values (%(ticket_id)s, %(related_id)s, %(why)s), (%(related_id)s, %(ticket_id)s, %(why)s)
on conflict do nothing;

-- name: lock_ticket
select id, state, priority, urgent, sla, account_no, assignee_id, response_due, resolution_due, version,
    coalesce(topic, grp), waiting_since, opened_at, merged_into
from ticket where id = %(ticket_id)s for update;

-- name: lock_tickets
select id, state, priority, urgent, sla, account_no, assignee_id, response_due, resolution_due, version,
    coalesce(topic, grp), waiting_since, opened_at, merged_into
from ticket where id = any (%(ticket_ids)s::bigint[]) order by id for update;

-- name: last_change
select actor, at, kind, why from ticket_entry
where ticket_id = %(ticket_id)s and (to_state is not null or actor <> 'system')
order by id desc limit 1;

-- name: usable_cause
select code from cause_code where code = %(code)s and active;

-- name: set_acknowledged
update ticket set state = 'acknowledged', acknowledged_at = %(at)s, version = version + 1 where id = %(ticket_id)s;

-- name: set_responded
update ticket set state = 'responded', responded_at = %(at)s, acknowledged_at = coalesce(acknowledged_at, %(at)s),
    version = version + 1
where id = %(ticket_id)s;

-- name: set_resolved
update ticket set state = 'resolved', resolved_at = %(at)s, resolved_by = %(staff_id)s,
    cause = coalesce(%(cause)s, cause), cause_code = coalesce(%(cause_code)s, cause_code), version = version + 1
where id = %(ticket_id)s;

-- name: set_confirmed
update ticket set state = 'confirmed', confirmed_at = %(at)s, version = version + 1 where id = %(ticket_id)s;

-- name: set_reopened
with before as (
    insert into ticket_round (ticket_id, round, started_at, response_due, responded_at, resolution_due, resolved_at,
        resolved_by, reopened_at)
    select id, round, coalesce(round_at, opened_at), response_due, responded_at, resolution_due, resolved_at,
        resolved_by, %(at)s
    from ticket where id = %(ticket_id)s
)
update ticket set state = 'reopened', acknowledged_at = null, responded_at = null, resolved_at = null,
    confirmed_at = null, response_due = %(response_due)s, resolution_due = %(resolution_due)s,
    round = round + 1, round_at = %(at)s, version = version + 1
where id = %(ticket_id)s;

-- name: set_priority
update ticket set priority = %(priority)s, urgent = %(urgent)s, sla = %(sla)s,
    response_due = least(response_due, %(response_due)s), resolution_due = least(resolution_due, %(resolution_due)s),
    version = version + 1
where id = %(ticket_id)s;

-- name: insert_entry
insert into ticket_entry (ticket_id, at, actor, kind, from_state, to_state, why, detail)
values (%(ticket_id)s, %(at)s, %(actor)s, %(kind)s, %(from_state)s, %(to_state)s, %(why)s, %(detail)s)
returning id;

-- name: entry_of_finding
select id from ticket_entry
where ticket_id in (select ticket_family(%(ticket_id)s)) and (detail ->> 'event_entry_id')::bigint = %(event_entry_id)s;

-- name: severities_told
select distinct detail ->> 'severity' from ticket_entry
where ticket_id in (select ticket_family(%(ticket_id)s)) and (detail ->> 'event_id')::bigint = %(event_id)s and detail ? 'severity';

-- name: told_as_over
select message -> 'event' ->> 'cleared_at' is not null from outbox
where ticket_id in (select ticket_family(%(ticket_id)s)) and event_id = %(event_id)s
order by id desc limit 1;

-- name: live_events
select count(*) from ticket_event te join event e on e.id = te.event_id
where te.ticket_id in (select ticket_family(%(ticket_id)s)) and e.retracted_at is null and e.suppressed_by is null
    and not exists (select from event_verdict v where v.event_id = e.id and v.undone_at is null and v.verdict = 'normal');

-- name: facts
select t.id, e.id, g.id, g.name, json_build_object(
    'ticket', json_build_object('id', t.id, 'state', t.state, 'priority', t.priority, 'urgent', t.urgent,
        'grp', t.grp, 'opened_at', t.opened_at, 'response_due', t.response_due,
        'resolution_due', t.resolution_due, 'routed_by', t.routed_by,
        'related', coalesce((select json_agg(r.related_id order by r.related_id) from ticket_relation r
            where r.ticket_id = t.id), '[]'), 'assignee', a.name),
    'event', json_build_object('id', e.id, 'grp', e.grp, 'detectors', e.detectors,
        'subject_kind', e.subject_kind, 'subject', e.subject, 'severity', e.severity, 'onset', e.onset,
        'detected_at', e.detected_at, 'last_seen', e.last_seen, 'cleared_at', e.cleared_at,
        'magnitude', e.magnitude, 'unit', e.unit, 'loss_m3', e.loss_m3, 'money', e.money,
        'evidence', e.evidence),
    'customer', case when c.account_no is not null then json_build_object('account_no', c.account_no,
        'name', c.name, 'sector', c.sector, 'segment', c.segment, 'language', c.language,
        'address', coalesce(c.address, p.address), 'phone', c.phone, 'email', c.email, 'shifts', c.shifts) end,
    'meter', case when m.id is not null then json_build_object('id', m.id, 'serial', m.serial,
        'address', p.address, 'q3_lph', m.q3_lph) end,
    'dma', case when d.id is not null then json_build_object('code', d.code, 'name', d.name,
        'region', r.name, 'min_pressure_kpa', d.min_pressure_kpa) end,
    'utility', json_build_object('name', u.name, 'timezone', u.timezone, 'country', u.country,
        'currency', u.currency, 'price_m3', coalesce(c.tariff_price_m3, u.price_m3)))::text
from unnest(%(ticket_ids)s::bigint[], %(event_ids)s::bigint[]) asked (ticket_id, event_id)
join ticket t on t.id = asked.ticket_id
join event e on e.id = asked.event_id
left join staff a on a.id = t.assignee_id
left join utility u on u.one
left join customer c on c.account_no = coalesce(e.account_no, t.account_no)
left join meter m on m.id = e.meter_id
left join meter_installation i on i.meter_id = m.id and i.removed_at = 'infinity'
left join service_point p on p.id = i.service_point_id
left join dma d on d.id = coalesce(e.dma_id, c.dma_id, m.dma_id)
left join region r on r.id = d.region_id
left join staff g on g.id = c.manager_id;

-- name: case_facts
select t.id, m.id, m.name, json_build_object(
    'ticket', json_build_object('id', t.id, 'state', t.state, 'priority', t.priority, 'urgent', t.urgent,
        'grp', t.grp, 'opened_at', t.opened_at, 'response_due', t.response_due,
        'resolution_due', t.resolution_due, 'routed_by', t.routed_by,
        'related', coalesce((select json_agg(r.related_id order by r.related_id) from ticket_relation r
            where r.ticket_id = t.id), '[]'), 'assignee', a.name),
    'topic', t.topic, 'reporter', t.reporter, 'subject', t.subject, 'said', t.said, 'source', t.source,
    'customer', case when c.account_no is not null then json_build_object('account_no', c.account_no,
        'name', c.name, 'sector', c.sector, 'segment', c.segment, 'language', c.language,
        'address', coalesce(p.address, c.address), 'phone', c.phone, 'email', c.email, 'shifts', c.shifts) end,
    'dma', case when d.id is not null then json_build_object('code', d.code, 'name', d.name,
        'region', r.name, 'min_pressure_kpa', d.min_pressure_kpa) end,
    'utility', json_build_object('name', u.name, 'timezone', u.timezone, 'country', u.country,
        'currency', u.currency, 'price_m3', coalesce(c.tariff_price_m3, u.price_m3)))::text
from ticket t
left join staff a on a.id = t.assignee_id
left join utility u on u.one
left join customer c on c.account_no = t.account_no
left join service_point p on p.id = t.service_point_id
left join dma d on d.id = coalesce(t.dma_id, c.dma_id)
left join region r on r.id = d.region_id
left join staff m on m.id = c.manager_id
where t.id = any (%(ticket_ids)s::bigint[]);

-- name: latest_events
with recursive family (head, id) as (
    select id, id from unnest(%(ticket_ids)s::bigint[]) t (id)
    union
    select f.head, t.id from family f join ticket t on t.merged_into = f.id)
select distinct on (f.head) f.head, e.id
from family f left join ticket_event te on te.ticket_id = f.id left join event e on e.id = te.event_id
order by f.head, e.id is null, e.retracted_at is not null, e.id desc;

-- name: utility seq: utility
select name, timezone, country, currency, price_m3 from utility;

-- name: policy_dma
select id from dma where code = %(key)s;

-- name: policy_customer
select account_no from customer where account_no = %(key)s;

-- name: policy_meter
select id from meter where serial = %(key)s;

-- name: same_policy seq: detector_policy
select id from detector_policy
where detector = %(detector)s and scope = %(scope)s and scope_key = %(scope_key)s and params = %(params)s
    and enabled = %(enabled)s and exemption is not distinct from %(exemption)s
    and valid_from <= coalesce(%(valid_from)s::timestamptz, %(now)s)
    and valid_until >= coalesce(%(valid_until)s::timestamptz, 'infinity')
    and not exists (select from detector_policy newer where newer.detector = detector_policy.detector
        and newer.scope = detector_policy.scope and newer.scope_key = detector_policy.scope_key
        and newer.id > detector_policy.id and newer.valid_until > %(now)s)
order by id desc limit 1;

-- name: create_policy
insert into detector_policy (detector, scope, scope_key, params, enabled, valid_from, valid_until, exemption, why,
    created_by)
values (%(detector)s, %(scope)s, %(scope_key)s, %(params)s, %(enabled)s,
    coalesce(%(valid_from)s::timestamptz, %(now)s), coalesce(%(valid_until)s::timestamptz, 'infinity'),
    %(exemption)s, %(why)s, %(actor)s)
returning id;

-- name: end_policy
update detector_policy set valid_until = greatest(%(now)s::timestamptz, valid_from + interval '1 us'),
    ended_by = %(actor)s, ended_why = %(why)s
where id = %(id)s and ended_by is null and valid_until > %(now)s
returning id;

-- name: policy_until
select valid_until from detector_policy where id = %(id)s;

-- name: event_to_judge
select id, subject_kind, subject, account_no, detectors, retracted_at from event where id = %(event_id)s;

-- name: standing_verdict
select id, verdict, actor, at from event_verdict where event_id = %(event_id)s and undone_at is null;

-- name: create_verdict
insert into event_verdict (event_id, verdict, scope, valid_until, why, policies, actor, at)
values (%(event_id)s, %(verdict)s, %(scope)s, %(valid_until)s, %(why)s, %(policies)s::bigint[], %(actor)s, %(now)s);

-- name: undo_verdict
update event_verdict set undone_at = %(now)s, undone_by = %(actor)s, undone_why = %(why)s
where event_id = %(event_id)s and undone_at is null
returning verdict, policies;

-- name: exemption_holds
select id from detector_policy
where detector = %(detector)s and scope = %(scope)s and scope_key = %(scope_key)s and exemption is not null
    and valid_from <= %(now)s and valid_until >= coalesce(%(until)s::timestamptz, 'infinity')
limit 1;

-- name: enter_event
insert into event_entry (event_id, kind, why, detail) values (%(event_id)s, %(kind)s, %(why)s, %(detail)s);

-- name: wake_notifier
select pg_notify('headwater_event', '');
