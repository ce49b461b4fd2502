-- What changed, in one numbered log: the live stream and the webhook subscriptions read it.

-- Null on what was written before: that is new to nobody. Without a default the table isn't rewritten.
alter table ticket_entry add column xid xid8;
alter table ticket_entry alter column xid set default pg_current_xact_id();
alter table outage_entry add column xid xid8;
alter table outage_entry alter column xid set default pg_current_xact_id();
-- squawk-ignore require-concurrent-index-creation
create index ticket_entry_xid_idx on ticket_entry (xid) where xid is not null;
-- squawk-ignore require-concurrent-index-creation
create index outage_entry_xid_idx on outage_entry (xid) where xid is not null;

-- Entries of what has no history of its own: messages that failed, runs of jobs that failed.
create table change_note (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    topic text not null check (topic in ('messages', 'jobs')),
    kind text not null,
    subject_id bigint,
    name text not null default '',
    why text not null default '',
    at timestamptz not null
);
comment on column change_note.name is 'the job, where it is about one';
create index change_note_xid_idx on change_note (xid);
create index change_note_at_idx on change_note (at);

-- One writer at a time gives out the numbers (feed position `changes`): who has read up to n has missed nothing below.
create table change (
    seq bigint generated always as identity primary key,
    topic text not null check (topic in ('events', 'tickets', 'outages', 'messages', 'jobs')),
    entry_id bigint not null,
    subject_id bigint,
    kind text not null,
    at timestamptz not null,
    unique (topic, entry_id)
);
comment on column change.entry_id is 'of the history of its topic, or of change_note';
comment on column change.subject_id is 'the event, ticket, outage or message; null for a job';
create index change_at_idx on change (at);
insert into feed_position (consumer, seen) values ('changes', pg_current_snapshot());

create function note_failed_message() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into change_note (topic, kind, subject_id, why, at)
    values ('messages', new.state, new.id, coalesce(new.last_error, ''), clock_timestamp());
    return null;
end $$;
create trigger outbox_failed after update of state on outbox for each row
    when (new.state in ('dead', 'bounced', 'unknown') and new.state is distinct from old.state)
    execute function note_failed_message();
create trigger outbox_born_failed after insert on outbox for each row
    when (new.state in ('dead', 'bounced', 'unknown')) execute function note_failed_message();

create function note_failed_job() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into change_note (topic, kind, name, why, at)
    values ('jobs', 'failed', new.job, new.detail, clock_timestamp());
    return null;
end $$;
create trigger job_run_failed after update of ok on job_run for each row
    when (new.ok is false and old.ok is distinct from new.ok) execute function note_failed_job();

create function tell_of_change() returns trigger language plpgsql as $$
begin
    perform pg_notify('headwater_change', '');
    return null;
end $$;
create trigger event_entry_told after insert on event_entry for each statement execute function tell_of_change();
create trigger ticket_entry_told after insert on ticket_entry for each statement execute function tell_of_change();
create trigger outage_entry_told after insert on outage_entry for each statement execute function tell_of_change();
create trigger change_note_told after insert on change_note for each statement execute function tell_of_change();

-- How far the log reaches; the same for everybody, so with the owner's rights.
create function change_range() returns table (oldest bigint, newest bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce((select seq from change order by seq limit 1), 0),
        coalesce((select seq from change order by seq desc limit 1), 0)
$$;
revoke execute on function change_range from public;
grant execute on function change_range to headwater_notify, headwater_api;

grant select, insert on change to headwater_notify, headwater_api;
grant select on change_note to headwater_notify, headwater_api;
grant select, insert, update on feed_position to headwater_api;

-- A change is seen with what it changed.
do $$
declare
    guarded record;
begin
    for guarded in select * from (values
        ('change', 'case topic
            when ''events'' then exists (select from event e where e.id = subject_id)
            when ''tickets'' then exists (select from ticket t where t.id = subject_id)
            when ''outages'' then exists (select from outage_entry o where o.id = entry_id)
            when ''messages'' then exists (select from outbox o where o.id = subject_id)
            else false end'),
        ('change_note', 'subject_id is not null and exists (select from outbox o where o.id = subject_id)')) t (name, visible) loop
        execute format('alter table %I enable row level security', guarded.name);
        execute format('create policy %I on %I for all to headwater_api using ((select headwater_sees_all()) or %s)',
            guarded.name || '_api', guarded.name, guarded.visible);
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify using (true) with check (true)',
            guarded.name || '_service', guarded.name);
    end loop;
end $$;
