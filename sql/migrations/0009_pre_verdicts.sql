-- What people say of events: confirmed, or that is normal.

create table event_verdict (
    id bigint generated always as identity primary key,
    event_id bigint not null references event,
    verdict text not null check (verdict in ('confirmed', 'normal')),
    scope text not null default 'event' check (scope in ('event', 'meter', 'dma', 'customer')),
    valid_until timestamptz,
    why text not null default '',
    policies bigint[] not null default '{}',
    actor text not null,
    at timestamptz not null,
    undone_at timestamptz,
    undone_by text,
    undone_why text,
    check ((undone_at is null) = (undone_by is null)),
    check (verdict = 'normal' or scope = 'event')
);
comment on column event_verdict.policies is 'the exemptions it made; they end with it';
create unique index event_verdict_standing_idx on event_verdict (event_id) where undone_at is null;
create index event_verdict_event_idx on event_verdict (event_id, id);

-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table event_entry drop constraint event_entry_kind_check;
alter table event_entry add constraint event_entry_kind_check check (kind in ('opened', 'updated', 'cleared', 'reopened',
    'amended', 'retracted', 'suppressed', 'confirmed', 'normal', 'undone')) not valid;
-- squawk-ignore ban-drop-constraint
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check check (scopes <@ '{customers:read,readings:read,events:read,events:write,tickets:read,tickets:write,policies:read,policies:write,quarantine:read,quarantine:write,metrics:read}') not valid;

grant select on event_verdict to headwater_detect, headwater_notify;
grant select, insert on event_verdict to headwater_api;
grant update (undone_at, undone_by, undone_why) on event_verdict to headwater_api;
grant insert on event_entry to headwater_api;

alter table event_verdict enable row level security;
create policy event_verdict_api on event_verdict for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from event e where e.id = event_id));
create policy event_verdict_service on event_verdict for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
