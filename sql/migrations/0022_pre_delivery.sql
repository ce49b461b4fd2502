-- Delivery: how a person is reached and when, what becomes of a message, and who says so.

alter table outbox
    add column begun_at timestamptz,
    add column about_dma int,
    add column held_for text,
    add column bundled_in bigint;
comment on column outbox.begun_at is 'when the last attempt was begun; of a pending one: without an answer yet';
comment on column outbox.held_for is 'what a held message waits for: digest, storm';
comment on column outbox.bundled_in is 'the message that lists this one, sent in its place';
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table outbox drop constraint outbox_state_check;
alter table outbox add constraint outbox_state_check check (state in
    ('pending', 'sent', 'dead', 'held', 'bundled', 'bounced', 'unknown', 'dismissed')) not valid;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outbox add constraint outbox_bundled_fkey foreign key (bundled_in) references outbox;

-- squawk-ignore require-concurrent-index-deletion
drop index outbox_pending_idx;
-- squawk-ignore require-concurrent-index-deletion
drop index outbox_dead_idx;
-- squawk-ignore require-concurrent-index-creation
create index outbox_due_idx on outbox (channel, rank, not_before, id) where state = 'pending';
-- squawk-ignore require-concurrent-index-creation
create index outbox_unanswered_idx on outbox (channel, not_before) where state = 'pending' and begun_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index outbox_pace_idx on outbox (channel, begun_at, recipient)
    where channel in ('wecom', 'dingtalk', 'feishu') and begun_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index outbox_held_idx on outbox (not_before, id) where state = 'held';
-- squawk-ignore require-concurrent-index-creation
create index outbox_failed_idx on outbox (id) where state in ('dead', 'bounced', 'unknown');
-- squawk-ignore require-concurrent-index-creation
create index outbox_bundled_idx on outbox (bundled_in, rank, id) where bundled_in is not null;
-- squawk-ignore require-concurrent-index-creation
create index outbox_storm_idx on outbox (staff_id, about_dma, created_at) where about_dma is not null;

-- Beside our attempts a message's log has what others said of it: bounces, delays, and people who sent it again.
alter table delivery
    add column kind text not null default 'attempt'
        check (kind in ('attempt', 'bounced', 'delayed', 'retried', 'dismissed')),
    add column actor text not null default 'system';
-- squawk-ignore ban-drop-constraint
alter table delivery drop constraint delivery_outbox_id_attempt_key;
-- squawk-ignore require-concurrent-index-creation
create unique index delivery_attempt_idx on delivery (outbox_id, attempt) where kind = 'attempt';
-- squawk-ignore require-concurrent-index-creation
create index delivery_outbox_idx on delivery (outbox_id, id);
-- squawk-ignore require-concurrent-index-creation
create index delivery_failed_idx on delivery (at, outbox_id) where not ok;

alter table staff
    add column quiet_from time,
    add column quiet_until time,
    add column digest_at time,
    add constraint staff_quiet_check check ((quiet_from is null) = (quiet_until is null)) not valid;
comment on column staff.quiet_from is 'local time of the utility; what is not urgent waits until quiet_until';
comment on column staff.digest_at is 'local time at which what is not urgent comes in one message';

create table staff_channel (
    id bigint generated always as identity primary key,
    staff_id bigint not null references staff,
    channel text not null check (channel in ('email', 'webhook', 'sms', 'wecom', 'dingtalk', 'feishu', 'apprise')),
    address text not null check (address <> ''),
    secret text not null default '',
    uses text not null default 'all' check (uses in ('all', 'urgent')),
    position int not null default 0,
    unique (staff_id, channel, address)
);
comment on column staff_channel.uses is 'all: instead of e-mail; urgent: in addition, for what is urgent';
create index staff_channel_address_idx on staff_channel (channel, address);

grant select on staff_channel to headwater_notify;
grant select (id, staff_id, channel, address, uses, position), insert, update, delete on staff_channel to headwater_api;
grant select (quiet_from, quiet_until, digest_at), update (quiet_from, quiet_until, digest_at) on staff to headwater_api;
grant update (state, not_before, attempts, begun_at, last_error, held_for) on outbox to headwater_api;
grant insert on delivery to headwater_api;

alter table staff_channel enable row level security;
create policy staff_channel_api on staff_channel for all to headwater_api
    using ((select headwater_sees_all()) or staff_id = (select headwater_staff()));
create policy staff_channel_service on staff_channel for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);

-- Whoever hands a ticket to a colleague must reach the colleague without seeing how: with the owner's rights.
create function staff_ways(wanted bigint)
    returns table (name text, language text, email text, webhook_url text, channel text, address text, uses text)
    language sql stable security definer set search_path = public, pg_temp as $$
    select s.name, s.language, s.email, s.webhook_url, c.channel, c.address, c.uses
    from staff s left join staff_channel c on c.staff_id = s.id
    where s.id = wanted
    order by c.position, c.id
$$;
create function staff_timing(wanted bigint, about_ticket bigint, by_channel text, since timestamptz, most int)
    returns table (quiet_from time, quiet_until time, digest_at time, zone text, dma_id int, recent bigint, held_until timestamptz)
    language sql stable security definer set search_path = public, pg_temp as $$
    select s.quiet_from, s.quiet_until, s.digest_at, coalesce((select timezone from utility), 'UTC'), d.dma_id,
        (select count(*) from (select from outbox o where o.staff_id = s.id and o.about_dma = d.dma_id
            and o.channel = by_channel and o.created_at > since limit most) few),
        (select o.not_before from outbox o where o.staff_id = s.id and o.about_dma = d.dma_id and o.channel = by_channel
            and o.created_at > since and o.state = 'held' and o.held_for = 'storm' order by o.created_at desc limit 1)
    from staff s left join lateral (
        select coalesce(t.dma_id, c.dma_id) as dma_id from ticket t left join customer c on c.account_no = t.account_no
        where t.id = about_ticket) d on true
    where s.id = wanted
$$;
revoke execute on function staff_ways, staff_timing from public;
grant execute on function staff_ways, staff_timing to headwater_notify, headwater_api;
