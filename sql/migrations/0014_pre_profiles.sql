-- Contact data that may no longer hold: somebody is to ask.

alter table customer add column contact_confirmed_at timestamptz;
comment on column customer.contact_confirmed_at is 'when somebody last made sure of phone, e-mail and address; null: not since created_at';
-- squawk-ignore require-concurrent-index-creation
create index customer_confirmed_idx on customer (manager_id, coalesce(contact_confirmed_at, created_at));

create table contact_check (
    id bigint generated always as identity primary key,
    account_no text not null references customer on update cascade,
    kind text not null check (kind in ('bounced', 'occupancy_change', 'old', 'conflicting')),
    field text check (field in ('phone', 'email', 'address')),
    why text not null,
    event_id bigint references event,
    opened_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'confirmed', 'corrected', 'dismissed')),
    decided_by text,
    decided_at timestamptz,
    decided_why text,
    check ((state = 'open') = (decided_at is null)),
    check ((decided_at is null) = (decided_by is null))
);
comment on column contact_check.field is 'what is doubted; null: all of the contact data';
create unique index contact_check_open_idx on contact_check (account_no, kind) where state = 'open';
create unique index contact_check_event_idx on contact_check (event_id) where event_id is not null;
create index contact_check_account_idx on contact_check (account_no, id);
create index contact_check_recent_idx on contact_check (opened_at desc, id desc);

alter table contact_check enable row level security;
create policy contact_check_api on contact_check for all to headwater_api using ((select headwater_sees_all())
    or exists (select from customer c where c.account_no = contact_check.account_no));
create policy contact_check_service on contact_check for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
grant select, insert, update on contact_check to headwater_notify, headwater_api;

grant insert on customer_change to headwater_api;
grant update (name, sector, segment, segment_by, language, address, phone, email, channel, manager_id, dma_id,
    tariff_price_m3, shifts, dwellings, household_size, lives_alone, contact_confirmed_at, version, updated_at)
    on customer to headwater_api;
