-- Outages from draft to restoration: where, whom they concern, what was told, and what was promised.

alter table outage
    add column state text not null default 'draft'
        check (state in ('draft', 'announced', 'started', 'restored', 'cancelled')),
    add column version int not null default 1,
    add column cause text not null default 'other' check (cause in ('valve_work', 'mains_renewal', 'connection_work',
        'flushing', 'tank_cleaning', 'main_burst', 'leak_repair', 'pump_failure', 'power_failure', 'third_party_damage',
        'water_quality', 'other')),
    add column reason_in jsonb not null default '{}',
    add column supply jsonb not null default '[]',
    add column contact text not null default '',
    add column end_known boolean not null default true,
    add column started_at timestamptz,
    add column first_end timestamptz,
    add column answers_id bigint,
    add column pressed text check (pressed in ('warned', 'urged', 'escalated')),
    add column reminded_for timestamptz,
    add column unread jsonb not null default '[]';
comment on column outage.announced_at is 'when customers were first told; null: an imported one, which nobody was told of';
comment on column outage.reason_in is 'the reason in other languages, by language';
comment on column outage.supply is 'emergency supply: [{place, since, until, note}]';
comment on column outage.end_known is 'false: expected_end is when there will be news, not water';
comment on column outage.first_end is 'the end that was promised first';
comment on column outage.answers_id is 'the member of staff who is asked about it';
comment on column outage.pressed is 'how hard news were asked for since expected_end was last set';
comment on column outage.unread is 'lines of the uploaded list that name nothing we know: [{line, value, why}]';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outage add constraint outage_answers_fkey foreign key (answers_id) references staff;
update outage set state = case when ended_at is null then 'announced' else 'restored' end;
-- squawk-ignore require-concurrent-index-creation
create index outage_state_idx on outage (state, starts_at);
-- squawk-ignore require-concurrent-index-creation
create index outage_start_idx on outage (starts_at desc, id desc);
-- squawk-ignore require-concurrent-index-creation
create index outage_event_idx on outage (event_id) where event_id is not null;

create table outage_dma (
    outage_id bigint not null references outage,
    dma_id int not null references dma,
    primary key (outage_id, dma_id)
);
create index outage_dma_dma_idx on outage_dma (dma_id);
insert into outage_dma (outage_id, dma_id) select id, dma_id from outage where dma_id is not null;

create table outage_entry (
    id bigint generated always as identity primary key,
    outage_id bigint not null references outage,
    at timestamptz not null,
    actor text not null,
    kind text not null,
    from_state text,
    to_state text,
    why text not null default '',
    detail jsonb not null default '{}',
    account_no text references customer on update cascade
);
create index outage_entry_outage_idx on outage_entry (outage_id, id);
create trigger outage_entry_append_only before update or delete or truncate on outage_entry
    for each statement execute function refuse_change();

-- What all concerned are told at one turn of an outage, and how far the outbox has been filled with it.
create table outage_notice (
    id bigint generated always as identity primary key,
    outage_id bigint not null references outage,
    revision int not null,
    step text not null
        check (step in ('announced', 'reminded', 'changed', 'started', 'delayed', 'restored', 'cancelled')),
    said jsonb not null,
    made_at timestamptz not null,
    state text not null default 'waiting' check (state in ('waiting', 'filling', 'filled', 'superseded')),
    upto text not null default '',
    customers int not null default 0,
    messages int not null default 0,
    unreachable int not null default 0,
    withdrawn int not null default 0,
    filled_at timestamptz,
    unique (outage_id, revision)
);
comment on column outage_notice.said is 'the outage as it stood; never changed, the letters are made of it';
comment on column outage_notice.upto is 'account number up to which it is written';
comment on column outage_notice.withdrawn is 'messages of earlier notices that it took back unsent';
create index outage_notice_open_idx on outage_notice (id) where state in ('waiting', 'filling');

-- Whom an outage concerns, and from which notice to which.
create table outage_customer (
    outage_id bigint not null references outage,
    account_no text not null references customer on update cascade,
    since int not null,
    until int,
    primary key (outage_id, account_no)
);
create index outage_customer_account_idx on outage_customer (account_no);

-- Tickets that an outage answers: complaints from its area, and that of the event it was opened for.
create table outage_ticket (
    ticket_id bigint primary key references ticket,
    outage_id bigint not null references outage
);
create index outage_ticket_outage_idx on outage_ticket (outage_id);

create view outage_account with (security_invoker) as
    select d.outage_id, p.account_no from outage_dma d join service_point p on p.dma_id = d.dma_id
    where p.account_no is not null
    union
    select d.outage_id, c.account_no from outage_dma d join customer c on c.dma_id = d.dma_id
    where not exists (select from service_point p where p.account_no = c.account_no and p.dma_id is not null)
    union
    select s.outage_id, p.account_no from outage_subject s join service_point p on p.id = s.service_point_id
    where p.account_no is not null;
comment on view outage_account is 'who lives in the area of an outage now; a customer is where the service points are';

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outbox add column notice_id bigint references outage_notice;
-- squawk-ignore require-concurrent-index-creation
create index outbox_notice_idx on outbox (notice_id, state) where notice_id is not null;
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table outbox drop constraint outbox_state_check;
alter table outbox add constraint outbox_state_check check (state in ('pending', 'sent', 'dead', 'withdrawn')) not valid;

grant select on outage_dma to headwater_detect;
grant select on outage_dma, outage_entry, outage_notice, outage_customer, outage_ticket, outage_account
    to headwater_notify, headwater_api;
grant insert, update on outage_notice, outage_customer to headwater_notify;
grant insert on outage_entry, outage_ticket to headwater_notify, headwater_api;
grant insert, update on outage, outage_notice to headwater_api;
grant insert, delete on outage_dma, outage_subject to headwater_api;

do $$
declare
    guarded record;
begin
    for guarded in select * from (values
        ('outage_subject', 'exists (select from service_point p where p.id = service_point_id)'),
        ('outage_customer', 'exists (select from customer c where c.account_no = outage_customer.account_no)'),
        ('outage_ticket', 'exists (select from ticket t where t.id = ticket_id)'),
        ('outage_entry', 'account_no is null or exists (select from customer c where c.account_no = outage_entry.account_no)')) t (name, visible) loop
        execute format('alter table %I enable row level security', guarded.name);
        execute format('create policy %I on %I for all to headwater_api using ((select headwater_sees_all()) or %s)',
            guarded.name || '_api', guarded.name, guarded.visible);
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify using (true) with check (true)',
            guarded.name || '_service', guarded.name);
    end loop;
end $$;
