-- Keys that are rotated and limited, who read and changed what, and deeds that are done once.

alter table api_key
    add column created_by text not null default '',
    add column rotated_at timestamptz,
    add column old_sha256 bytea,
    add column old_until timestamptz,
    add column requests_a_minute int;
comment on column api_key.old_sha256 is 'of the secret before the last rotation, good until old_until';
alter table api_key add constraint api_key_requests_check check (requests_a_minute > 0) not valid;
grant insert, update (key_sha256, rotated_at, old_sha256, old_until, requests_a_minute) on api_key to headwater_api;

create table audit (
    id bigint generated always as identity,
    at timestamptz not null,
    actor text not null,
    via text not null,
    method text not null,
    route text not null,
    subject_kind text,
    subject text,
    status smallint not null,
    request_id text not null,
    address text
);
comment on column audit.via is 'the key by its prefix, or session';
comment on column audit.subject is 'what the address names: an account number, the id of a ticket';
select create_hypertable('audit', by_range('at', interval '7 days'), create_default_indexes => false);
create index audit_at_idx on audit (at desc, id desc);
create index audit_actor_idx on audit (actor, at desc, id desc);
create index audit_subject_idx on audit (subject, at desc, id desc);
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();
create view seen_audit with (security_barrier) as
    select a.* from audit a where (select headwater_sees_all());
grant insert on audit to headwater_api;
grant select on seen_audit to headwater_api;

create table idempotency (
    caller text not null,
    key text not null,
    request_sha256 bytea not null,
    at timestamptz not null,
    status smallint not null,
    body bytea not null,
    primary key (caller, key)
);
create index idempotency_at_idx on idempotency (at);
-- An answer shows what its caller was shown, so nobody else finds it.
alter table idempotency enable row level security;
create policy idempotency_api on idempotency for all to headwater_api
    using (caller = (select current_setting('headwater.caller', true)));
grant select, insert, update on idempotency to headwater_api;
