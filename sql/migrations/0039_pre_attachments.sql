-- What comes with a mail and is kept: a photo of the meter, a bill as PDF.

create table ticket_attachment (
    id bigint generated always as identity primary key,
    ticket_id bigint not null references ticket on delete cascade,
    entry_id bigint not null,
    name text not null,
    media_type text not null,
    size_bytes int not null check (size_bytes between 1 and 10485760),
    content bytea not null
);
comment on column ticket_attachment.entry_id is 'the entry by which it came; entries are never deleted';
comment on column ticket_attachment.media_type is 'told from the content, whatever the mail says';
-- Pictures don't get smaller.
alter table ticket_attachment alter column content set storage external;
create index ticket_attachment_entry_idx on ticket_attachment (entry_id, id);
create index ticket_attachment_ticket_idx on ticket_attachment (ticket_id, id);

grant select, insert on ticket_attachment to headwater_notify;
grant select on ticket_attachment to headwater_api;
alter table ticket_attachment enable row level security;
create policy ticket_attachment_api on ticket_attachment for all to headwater_api
    using (exists (select from ticket t where t.id = ticket_id));
create policy ticket_attachment_service on ticket_attachment for all to headwater_notify using (true) with check (true);
