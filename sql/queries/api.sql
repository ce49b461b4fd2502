-- name: ask_as
select set_config('headwater.sees', %(sees)s, true), set_config('headwater.staff', %(staff)s, true),
    set_config('statement_timeout', %(timeout)s, true);

-- name: ask_as_customer
select set_config('headwater.sees', 'self', true), set_config('headwater.account', %(account)s, true),
    set_config('headwater.staff', '', true), set_config('statement_timeout', %(timeout)s, true);

-- name: applied_migrations seq: schema_checksum
select file from schema_checksum;

-- name: customers seq: staff, dma
select c.account_no, c.name, c.sector, c.segment, c.address, s.login as manager, s.name as manager_name,
    d.code as dma, d.name as dma_name
from customer c left join staff s on s.id = c.manager_id left join dma d on d.id = c.dma_id
where c.account_no > %(after)s
    and (%(segment)s::text is null or c.segment = %(segment)s)
    and (%(sector)s::text is null or c.sector = %(sector)s)
    and (%(manager)s::text is null or c.manager_id = (select id from staff where login = %(manager)s))
    and (%(dma)s::text is null or c.dma_id = (select id from dma where code = %(dma)s))
order by c.account_no limit %(limit)s;

-- name: customer
select c.account_no, c.name, c.sector, c.segment, c.segment_by, c.language, c.address, c.phone, c.email,
    c.channel, c.tariff_price_m3, c.shifts, c.dwellings, c.household_size, c.lives_alone, c.version,
    c.created_at, c.updated_at, s.login as manager, s.name as manager_name, s.email as manager_email,
    s.phone as manager_phone, y.login as deputy, c.category, c.needs, c.contact_confirmed_at as confirmed_at,
    d.code as dma, d.name as dma_name
from customer c
left join staff s on s.id = c.manager_id
left join staff y on y.id = s.deputy_id
left join dma d on d.id = c.dma_id
where c.account_no = %(account_no)s;

-- name: customer_points
select p.code, p.address, (select code from dma d where d.id = p.dma_id) as dma
from service_point p where p.account_no = %(account_no)s order by p.code limit %(limit)s;

-- name: customer_meters
select m.id, m.serial, m.kind, m.interval_s, m.active, p.code as service_point,
    nullif(i.installed_at, '-infinity') as installed_at, nullif(i.removed_at, 'infinity') as removed_at,
    (select k.high_water from meter_clock k where k.meter_id = m.id) as last_reading_at
from service_point p
join meter_installation i on i.service_point_id = p.id
join meter m on m.id = i.meter_id
where p.account_no = %(account_no)s
order by i.removed_at desc, m.serial limit %(limit)s;

-- name: customer_days
select day, volume_l from customer_days(%(account_no)s, %(zone)s, %(since)s, %(until)s) order by day;

-- name: customer_plan
select plan_m3, decided_by from water_plan where account_no = %(account_no)s and month = %(month)s;

-- name: customer_visits
select v.id, v.due_on, v.kind, v.form, v.state, v.done_at, (select login from staff s where s.id = v.manager_id) as manager
from visit v where v.account_no = %(account_no)s order by v.due_on desc limit %(limit)s;

-- name: meter
select m.id, m.serial, m.kind, m.interval_s, m.q3_lph, m.resolution_l, m.register_modulus_l, m.node, m.x, m.y,
    m.elevation_m, m.active, (select code from dma d where d.id = m.dma_id) as dma,
    (select code from dma d where d.id = m.from_dma_id) as from_dma,
    k.high_water, k.skew_s
from meter m left join meter_clock k on k.meter_id = m.id
where m.serial = %(serial)s;

-- name: meter_installations
select p.code as service_point, p.account_no, nullif(i.installed_at, '-infinity') as installed_at,
    nullif(i.removed_at, 'infinity') as removed_at
from meter_installation i join service_point p on p.id = i.service_point_id
where i.meter_id = %(meter_id)s order by i.installed_at desc limit %(limit)s;

-- name: readings
select ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at
from seen_reading
where meter_id = %(meter_id)s and ts > %(after)s and ts <= %(until)s
order by ts limit %(limit)s;

-- name: last_reading
select ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags, received_at
from seen_reading
where meter_id = %(meter_id)s and ts >= %(since)s
order by ts desc limit 1;

-- name: events seq: dma
select e.id, e.subject_kind, e.subject, e.grp, e.epoch, e.detectors, e.account_no,
    (select m.serial from meter m where m.id = e.meter_id) as meter, d.code as dma,
    e.onset, e.detected_at, e.last_seen, e.cleared_at, e.retracted_at, e.updated_at, e.severity, e.magnitude,
    e.unit, e.loss_m3, e.money, e.evidence, e.revision,
    (select o.code from outage o where o.id = e.suppressed_by) as outage,
    (select o.code from outage o where o.event_id = e.id and o.state <> 'cancelled' limit 1) as announced_as,
    (select ticket_survivor(t.ticket_id) from ticket_event t where t.event_id = e.id) as ticket_id
from event e left join dma d on d.id = e.dma_id left join customer c on c.account_no = e.account_no
where (e.detected_at, e.id) < (%(at)s::timestamptz, %(id)s::bigint)
    and (%(state)s::text is distinct from 'open' or (e.cleared_at is null and e.retracted_at is null))
    and (%(state)s::text is distinct from 'cleared' or (e.cleared_at is not null and e.retracted_at is null))
    and (%(state)s::text is distinct from 'retracted' or e.retracted_at is not null)
    and (%(detector)s::text is null or %(detector)s = any (e.detectors))
    and (%(found)s::bigint[] is null or e.id = any (%(found)s))
    and (%(grp)s::text is null or e.grp = %(grp)s)
    and (%(dma)s::text is null or e.dma_id = (select id from dma where code = %(dma)s))
    and (%(account_no)s::text is null or e.account_no = %(account_no)s)
    and (%(since)s::timestamptz is null or e.detected_at >= %(since)s)
    and (%(until)s::timestamptz is null or e.detected_at < %(until)s)
    and (%(segment)s::text is null or c.segment = %(segment)s)
order by e.detected_at desc, e.id desc limit %(limit)s;

-- name: events_by
select headwater_events_by(%(detector)s, 1000) as ids;

-- name: event
select e.id, e.subject_kind, e.subject, e.grp, e.epoch, e.detectors, e.account_no,
    (select m.serial from meter m where m.id = e.meter_id) as meter,
    (select d.code from dma d where d.id = e.dma_id) as dma,
    e.onset, e.detected_at, e.last_seen, e.cleared_at, e.retracted_at, e.updated_at, e.severity, e.magnitude,
    e.unit, e.loss_m3, e.money, e.evidence, e.revision,
    (select o.code from outage o where o.id = e.suppressed_by) as outage,
    (select o.code from outage o where o.event_id = e.id and o.state <> 'cancelled' limit 1) as announced_as,
    (select ticket_survivor(t.ticket_id) from ticket_event t where t.event_id = e.id) as ticket_id
from event e where e.id = %(id)s;

-- name: event_verdict
select verdict, scope, valid_until as until, why, actor, at, policies
from event_verdict where event_id = %(id)s and undone_at is null;

-- name: event_entries
select at, kind, why, detail from event_entry where event_id = %(id)s order by id limit %(limit)s;

-- name: quarantine
select id, received_at, topic, reason, detail, meter, octet_length(payload) as payload_bytes,
    requeue_asked_at, requeue_asked_by, requeued_at
from seen_quarantine
where (received_at, id) < (%(at)s::timestamptz, %(id)s::bigint)
    and (%(reason)s::text is null or reason = %(reason)s)
    and (%(meter)s::text is null or meter = %(meter)s)
    and (%(since)s::timestamptz is null or received_at >= %(since)s)
order by received_at desc, id desc limit %(limit)s;

-- name: quarantine_one
select id, received_at, topic, reason, detail, meter, octet_length(payload) as payload_bytes,
    requeue_asked_at, requeue_asked_by, requeued_at, payload
from seen_quarantine where id = %(id)s;

-- name: quarantine_requeue
update seen_quarantine set requeue_asked_at = %(now)s, requeue_asked_by = %(actor)s
where id = %(id)s and requeue_asked_at is null and requeued_at is null
returning id;

-- name: quarantine_wake
select pg_notify('headwater_requeue', '');

-- name: policies seq: detector_policy
select p.id, p.detector, p.scope, p.scope_key, p.params, p.enabled, nullif(p.valid_from, '-infinity') as valid_from,
    nullif(p.valid_until, 'infinity') as valid_until, p.exemption, p.why, p.created_by, p.created_at, p.ended_by,
    p.ended_why, (select max(v.event_id) from event_verdict v where v.policies @> array[p.id]) as event_id
from detector_policy p
where p.id < %(id)s
    and (%(detector)s::text is null or p.detector = %(detector)s)
    and (%(scope)s::text is null or p.scope = %(scope)s)
    and (%(scope_key)s::text is null or p.scope_key = %(scope_key)s)
    and (%(exempt)s::boolean is null or (p.exemption is not null) = %(exempt)s)
    and (%(at)s::timestamptz is null or (p.valid_from <= %(at)s and p.valid_until > %(at)s))
order by p.id desc limit %(limit)s;

-- name: policy
select p.id, p.detector, p.scope, p.scope_key, p.params, p.enabled, nullif(p.valid_from, '-infinity') as valid_from,
    nullif(p.valid_until, 'infinity') as valid_until, p.exemption, p.why, p.created_by, p.created_at, p.ended_by,
    p.ended_why, (select max(v.event_id) from event_verdict v where v.policies @> array[p.id]) as event_id
from detector_policy p where p.id = %(id)s;

-- name: dma
select id from dma where code = %(code)s;

-- name: dma_months
select d.code as dma, m.month, m.hours, m.inflow_hours, m.use_hours, m.inflow_m3, m.used_m3, m.lost_m3, m.lost_share,
    m.night_lph, m.customers, m.mean_kpa, m.minutes_below, m.peak_valley_kpa, m.uarl_l_day, m.ili, m.loss_rate,
    m.grade, m.made_at
from dma_month m
join dma d on d.id = m.dma_id
where d.code = %(code)s and m.month >= %(since)s
order by m.month desc;

-- name: pressure_months
select s.serial as meter, p.month, p.minutes_known, p.minutes_below, p.service_min_kpa, p.mean_kpa, p.lowest_kpa,
    p.peak_valley_kpa
from pressure_month p
join dma d on d.id = p.dma_id
join meter s on s.id = p.meter_id
where d.code = %(code)s and p.month >= %(since)s
order by p.month, s.serial;

-- name: jobs seq: job
select j.name, j.about, j.cron, j.zone, j.next_due_at, j.seen_at, r.due_at, r.started_at, r.finished_at, r.ok, r.detail,
    r.attempts, r.worker
from job j left join lateral (
    select * from job_run r where r.job = j.name order by r.due_at desc limit 1) r on true
order by j.name;

-- name: job
select name from job where name = %(job)s;

-- name: job_runs
select due_at, started_at, finished_at, ok, detail, attempts, worker from job_run
where job = %(job)s and due_at < %(before)s
order by due_at desc limit %(limit)s;
