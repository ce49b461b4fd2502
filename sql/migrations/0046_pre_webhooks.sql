-- Programs that subscribe to what changes: each has a position in the log, secrets of its own, and its posts in the outbox.

create table webhook (
    id bigint generated always as identity primary key,
    url text not null,
    topics text[] not null check (cardinality(topics) > 0 and topics <@ '{events,tickets,outages}'),
    description text not null default '',
    active boolean not null default true,
    secret text not null,
    old_secret text not null default '',
    old_until timestamptz,
    staff_id bigint references staff,
    created_by text not null,
    created_at timestamptz not null,
    version int not null default 1,
    position bigint not null,
    paused_at timestamptz,
    paused_why text not null default '',
    deleted_at timestamptz
);
comment on column webhook.old_secret is 'signs beside the new one until old_until';
comment on column webhook.staff_id is 'by whose sight its posts are bounded; null: sees everything';
comment on column webhook.position is 'number of the log of changes up to which its posts are written';
comment on column webhook.paused_at is 'when it was paused because it had failed for days';
create index webhook_staff_idx on webhook (staff_id);

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outbox add column webhook_id bigint references webhook;
-- squawk-ignore require-concurrent-index-creation
create index outbox_webhook_idx on outbox (webhook_id, id) where webhook_id is not null;
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table outbox drop constraint outbox_channel_check;
alter table outbox add constraint outbox_channel_check
    check (channel in ('email', 'webhook', 'sms', 'wecom', 'dingtalk', 'feishu', 'apprise', 'subscription')) not valid;

grant select on webhook to headwater_notify;
grant select (id, url, topics, description, active, old_until, staff_id, created_by, created_at, version, position,
    paused_at, paused_why, deleted_at) on webhook to headwater_api;
grant insert on webhook to headwater_api;
grant update (url, topics, description, active, version, position, paused_at, paused_why, deleted_at) on webhook
    to headwater_api;
alter table webhook enable row level security;
create policy webhook_api on webhook for all to headwater_api
    using ((select headwater_sees_all()) or staff_id = (select headwater_staff()));
create policy webhook_service on webhook for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);

-- Whoever may see a subscription gives it a new secret without seeing the old one.
create function webhook_rotate(wanted bigint, fresh text, old_ends timestamptz) returns void
    language sql security definer set search_path = public, pg_temp as $$
    update webhook set old_secret = secret, old_until = old_ends, secret = fresh, version = version + 1
    where id = wanted and deleted_at is null
$$;
revoke execute on function webhook_rotate from public;
grant execute on function webhook_rotate to headwater_api;
