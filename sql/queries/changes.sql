-- name: sees_all
select set_config('headwater.sees', 'all', true);

-- name: order_new seq: feed_position
with new as (
    select 'events' as topic, id, event_id as subject_id, kind, at from event_entry
    where xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::xid8
        and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
    union all
    select 'tickets', id, ticket_id, kind, at from ticket_entry
    where xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::xid8
        and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
    union all
    select 'outages', id, outage_id, kind, at from outage_entry
    where xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::xid8
        and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
    union all
    select topic, id, subject_id, kind, at from change_note
    where xid >= pg_snapshot_xmin(%(seen)s::pg_snapshot)::text::xid8
        and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
), ordered as (
    insert into change (topic, entry_id, subject_id, kind, at)
    select topic, id, subject_id, kind, at from new
    order by max(at) over (partition by topic order by id), topic, id
    on conflict (topic, entry_id) do nothing
    returning seq
)
select (select count(*) from new), (select count(*) from ordered);

-- name: tell
select pg_notify('headwater_ordered', '');

-- name: range
select oldest, newest from change_range();

-- name: seqs
select seq from change where seq > %(after)s and seq <= %(upto)s;

-- name: changes
select c.seq, c.topic, c.kind, c.at, n.actor, n.why, n.from_state, n.to_state, n.detail, n.subject
from change c
join lateral (
    select null as actor, y.why, null as from_state, null as to_state, y.detail, jsonb_build_object(
        'id', e.id, 'group', e.grp, 'detectors', e.detectors, 'subject_kind', e.subject_kind, 'subject', e.subject,
        'account_no', e.account_no, 'meter', (select serial from meter m where m.id = e.meter_id),
        'dma', (select code from dma d where d.id = e.dma_id), 'severity', e.severity, 'onset', e.onset,
        'detected_at', e.detected_at, 'last_seen', e.last_seen, 'cleared_at', e.cleared_at,
        'retracted_at', e.retracted_at, 'magnitude', e.magnitude, 'unit', e.unit, 'loss_m3', e.loss_m3,
        'money', e.money, 'revision', e.revision) as subject
    from event_entry y join event e on e.id = y.event_id
    where c.topic = 'events' and y.id = c.entry_id
    union all
    select y.actor, y.why, y.from_state, y.to_state, y.detail, jsonb_build_object(
        'id', t.id, 'state', t.state, 'priority', t.priority, 'urgent', t.urgent, 'group', t.grp, 'topic', t.topic,
        'subject', t.subject, 'account_no', t.account_no, 'dma', (select code from dma d where d.id = t.dma_id),
        'assignee', (select login from staff s where s.id = t.assignee_id), 'opened_at', t.opened_at,
        'response_due', t.response_due, 'resolution_due', t.resolution_due, 'version', t.version)
    from ticket_entry y join ticket t on t.id = y.ticket_id
    where c.topic = 'tickets' and y.id = c.entry_id
    union all
    select y.actor, y.why, y.from_state, y.to_state, y.detail, jsonb_build_object(
        'code', o.code, 'kind', o.kind, 'state', o.state, 'cause', o.cause, 'reason', o.reason,
        'starts_at', o.starts_at, 'started_at', o.started_at, 'expected_end', o.expected_end,
        'end_known', o.end_known, 'ended_at', o.ended_at, 'account_no', y.account_no, 'dmas', (
            select coalesce(jsonb_agg(d.code order by d.code), '[]')
            from outage_dma x join dma d on d.id = x.dma_id where x.outage_id = o.id),
        'version', o.version)
    from outage_entry y join outage o on o.id = y.outage_id
    where c.topic = 'outages' and y.id = c.entry_id
    union all
    select null, y.why, null, null, '{}', jsonb_build_object(
        'id', o.id, 'kind', o.kind, 'step', o.step, 'channel', o.channel, 'state', o.state, 'ticket_id', o.ticket_id,
        'account_no', o.account_no)
    from change_note y join outbox o on o.id = y.subject_id
    where c.topic = 'messages' and y.id = c.entry_id
    union all
    select null, y.why, null, null, '{}', jsonb_build_object('job', y.name)
    from change_note y
    where c.topic = 'jobs' and y.id = c.entry_id
) n on true
where c.seq > %(after)s and c.seq <= %(upto)s and c.topic = any (%(topics)s)
order by c.seq;
