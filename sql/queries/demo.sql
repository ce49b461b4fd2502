-- name: stored seq: reading, quarantine
select (select count(*) from reading), (select count(*) from quarantine);

-- name: behind seq: arrival, event_entry
select
    (select count(*) from arrival a where not exists (
        select from feed_position p
        where p.consumer = %(detect)s and pg_visible_in_snapshot(a.xid, p.seen))),
    (select count(*) from event_entry e where not exists (
        select from feed_position p
        where p.consumer = %(notify)s and pg_visible_in_snapshot(e.xid, p.seen))),
    (select count(*) from outbox where state = 'pending' and not_before <= now());

-- name: events seq: event
select subject, grp, detectors, detected_at, onset from event where retracted_at is null order by detected_at, id;

-- name: service seq: ticket, outbox, event, quarantine
select
    (select count(*) from ticket), (select count(*) from ticket where urgent),
    (select count(*) from outbox where state = 'sent'), (select count(*) from outbox where state = 'pending' and not_before <= now()),
    (select count(*) from outbox where state = 'held' or state = 'pending' and not_before > now()),
    (select count(*) from outbox where state = 'dead'),
    (select count(*) from event where retracted_at is not null),
    (select coalesce(json_object_agg(reason, n), '{}') from (
        select reason, count(*) as n from quarantine group by reason) q);

-- name: a_ticket seq: ticket
select t.id, t.account_no from ticket t where t.account_no is not null order by t.urgent desc, t.id limit 1;

-- name: people seq: staff
(select login from staff where active and 'manager' = any (roles) order by id limit 1)
union all
(select login from staff where active and roles && '{operations,admin}' order by id limit 1);
