-- Least privilege. A role process connects as a member of exactly one of these; row-level security decides
-- what the API may see. Hypertables stay ungranted to the API and are read through security_barrier views.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['headwater_ingest', 'headwater_detect', 'headwater_notify', 'headwater_api'] loop
        begin
            execute format('create role %I nologin', wanted);
        exception when duplicate_object or unique_violation then
            null;  -- roles belong to the whole server: another database, or a runner beside us, made it
        end;
    end loop;
end $$;

revoke all on schema public from public;
grant usage on schema public to headwater_ingest, headwater_detect, headwater_notify, headwater_api;

grant select on meter to headwater_ingest;
grant select, insert on reading, quarantine to headwater_ingest;
grant update (requeued_at, requeue_asked_at, reason, detail, meter) on quarantine to headwater_ingest;
grant insert on arrival to headwater_ingest;
grant select, insert, update on meter_clock to headwater_ingest;

grant select on utility, region, dma, customer, service_point, meter, meter_installation, reading, arrival,
    detector_policy, outage, outage_subject to headwater_detect;
grant select, insert, update on usage_hourly, event, feed_position to headwater_detect;
grant select, insert on event_entry to headwater_detect;

grant select on utility, region, dma, staff, customer, service_point, meter, meter_installation, reading,
    usage_hourly, event, event_entry, detector_policy, outage, outage_subject, sla_policy to headwater_notify;
grant select, insert, update on ticket, ticket_event, ticket_relation, outbox, delivery, feed_position
    to headwater_notify;
grant select, insert on ticket_entry to headwater_notify;

grant select on utility, region, dma, customer, service_point, meter, meter_installation, meter_clock, event, event_entry,
    detector_policy, outage, outage_subject, sla_policy, ticket, ticket_event, ticket_relation, ticket_entry, visit, survey,
    water_plan, outbox, delivery, api_key, job_run, schema_checksum to headwater_api;
grant select (id, login, name, email, phone, language, roles, region_id, superior_id, deputy_id, absent_from,
    absent_until, on_duty_desk, active) on staff to headwater_api;
grant update (state, response_due, resolution_due, acknowledged_at, responded_at, resolved_at, resolved_by,
    confirmed_at, cause, version) on ticket to headwater_api;
grant insert on ticket_entry to headwater_api;
grant update (last_used_at) on api_key to headwater_api;

-- Who is asking. The API sets both settings at the start of each transaction; unset means nobody.
create function headwater_sees_all() returns boolean language sql stable parallel safe
    return coalesce(current_setting('headwater.sees', true), '') = 'all';
create function headwater_staff() returns bigint language sql stable parallel safe
    return nullif(current_setting('headwater.staff', true), '')::bigint;

-- What the asker sees beside own customers: the customers and events of the tickets in own hands (as a deputy,
-- on duty). With the owner's rights, since the tickets' own guard asks for the customers in turn.
create function headwater_ticket_accounts() returns setof text
    language sql stable rows 100 security definer set search_path = public, pg_temp as $$
    select account_no from ticket where assignee_id = headwater_staff() and account_no is not null
        and state not in ('confirmed', 'merged')
$$;
create function headwater_ticket_events() returns setof bigint
    language sql stable rows 100 security definer set search_path = public, pg_temp as $$
    select e.event_id from ticket t join ticket_event e on e.ticket_id = t.id where t.assignee_id = headwater_staff()
$$;

do $$
declare
    guarded record;
begin
    for guarded in select * from (values
        ('customer', 'manager_id = (select headwater_staff()) or account_no in (select headwater_ticket_accounts())'),
        -- What hangs on a guarded row is seen with it.
        ('customer_change', 'exists (select from customer c where c.account_no = customer_change.account_no)'),
        ('service_point', 'exists (select from customer c where c.account_no = service_point.account_no)'),
        ('visit', 'exists (select from customer c where c.account_no = visit.account_no)'),
        ('water_plan', 'exists (select from customer c where c.account_no = water_plan.account_no)'),
        ('event', 'exists (select from customer c where c.account_no = event.account_no) or id in (select headwater_ticket_events())'),
        ('ticket', 'exists (select from customer c where c.account_no = ticket.account_no) or assignee_id = (select headwater_staff())'),
        ('meter_installation', 'exists (select from service_point p where p.id = service_point_id)'),
        ('meter', 'exists (select from meter_installation i where i.meter_id = meter.id)'),
        ('meter_clock', 'exists (select from meter_installation i where i.meter_id = meter_clock.meter_id)'),
        ('event_entry', 'exists (select from event e where e.id = event_id)'),
        ('ticket_event', 'exists (select from ticket t where t.id = ticket_id)'),
        ('ticket_relation', 'exists (select from ticket t where t.id = ticket_id)'),
        ('ticket_entry', 'exists (select from ticket t where t.id = ticket_id)'),
        ('survey', 'exists (select from ticket t where t.id = ticket_id)'),
        ('outbox', 'exists (select from ticket t where t.id = ticket_id)'),
        ('delivery', 'exists (select from outbox o where o.id = outbox_id)')) t (name, visible) loop
        execute format('alter table %I enable row level security', guarded.name);
        execute format('create policy %I on %I for all to headwater_api using ((select headwater_sees_all()) or %s)',
            guarded.name || '_api', guarded.name, guarded.visible);
        -- The other roles see every row.
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify using (true) with check (true)',
            guarded.name || '_service', guarded.name);
    end loop;
end $$;
grant select on customer_change to headwater_api;

-- A meter's series belongs to a customer for as long as the meter was installed there. The views read with
-- their owner's rights, so what they let through is written out here.
create view seen_reading with (security_barrier) as
    select r.* from reading r
    where (select headwater_sees_all()) or exists (
        select from meter_installation i join service_point p on p.id = i.service_point_id
        join customer c on c.account_no = p.account_no
        where i.meter_id = r.meter_id and r.ts > i.installed_at and r.ts <= i.removed_at
            and (c.manager_id = (select headwater_staff()) or c.account_no in (select headwater_ticket_accounts())));
create view seen_usage_hourly with (security_barrier) as
    select u.* from usage_hourly u
    where (select headwater_sees_all()) or exists (
        select from meter_installation i join service_point p on p.id = i.service_point_id
        join customer c on c.account_no = p.account_no
        where i.meter_id = u.meter_id and u.slot >= i.installed_at and u.slot < i.removed_at
            and (c.manager_id = (select headwater_staff()) or c.account_no in (select headwater_ticket_accounts())));
create view seen_quarantine with (security_barrier) as
    select q.* from quarantine q where (select headwater_sees_all());
grant select on seen_reading, seen_usage_hourly, seen_quarantine to headwater_api;
grant update (requeue_asked_at, requeue_asked_by) on seen_quarantine to headwater_api;
