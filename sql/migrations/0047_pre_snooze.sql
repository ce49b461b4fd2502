-- Put off until later, from one person's own list only: deadlines and everybody else's lists don't know of it.

create table ticket_snooze (
    staff_id bigint not null references staff,
    ticket_id bigint not null references ticket,
    until timestamptz not null,
    after_entry bigint not null,
    actor text not null,
    primary key (staff_id, ticket_id)
);
comment on column ticket_snooze.after_entry is 'the last of the ticket''s history then; it is over when somebody else adds one';
create index ticket_snooze_ticket_idx on ticket_snooze (ticket_id);
create view ticket_asleep with (security_invoker) as
    select z.staff_id, z.ticket_id, least(z.until, case when t.waiting_since is null then t.next_due end) as wakes_at
    from ticket_snooze z join ticket t on t.id = z.ticket_id
    where not t.urgent and t.state in ('open', 'acknowledged', 'responded', 'reopened')
        and not exists (select from ticket_entry e where e.ticket_id = z.ticket_id and e.id > z.after_entry and e.actor <> z.actor);

alter table ticket_snooze enable row level security;
create policy ticket_snooze_api on ticket_snooze for all to headwater_api
    using (staff_id = (select headwater_staff())) with check (staff_id = (select headwater_staff()));
create policy ticket_snooze_service on ticket_snooze for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
grant select, insert, update, delete on ticket_snooze to headwater_api;
grant select on ticket_asleep to headwater_api;
