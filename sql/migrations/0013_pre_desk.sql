-- Messages about more than events: of what kind, how pressing, and to whom.

alter table outbox
    add column kind text not null default 'ticket',
    add column rank smallint not null default 1,
    add column account_no text,
    add column staff_id bigint;
comment on column outbox.kind is 'whose templates say it; a file in notify/kinds';
comment on column outbox.rank is '0 urgent, 1 normal, 2 bulk';
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table outbox drop constraint outbox_channel_check;
alter table outbox add constraint outbox_channel_check
    check (channel in ('email', 'webhook', 'sms', 'wecom', 'dingtalk', 'feishu', 'apprise')) not valid;
-- The scopes that exist are known to the code that asks for them.
-- squawk-ignore ban-drop-constraint
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check
    check (array_to_string(scopes, ' ') ~ '^([a-z]+:(read|write)( |$))*$') not valid;

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outbox add constraint outbox_account_fkey foreign key (account_no) references customer on update cascade;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outbox add constraint outbox_staff_fkey foreign key (staff_id) references staff;
-- squawk-ignore require-concurrent-index-creation
create index outbox_account_idx on outbox (account_no, id) where account_no is not null;

drop policy outbox_api on outbox;
create policy outbox_api on outbox for all to headwater_api using ((select headwater_sees_all())
    or exists (select from ticket t where t.id = ticket_id)
    or exists (select from customer c where c.account_no = outbox.account_no)
    or staff_id = (select headwater_staff()));
grant select, insert on outbox to headwater_api;
grant select on ticket_event, ticket_relation to headwater_api;

-- How a customer is reached; who can't be has no row.
create view customer_reach with (security_invoker) as
    select account_no, name, language, channel, case channel when 'sms' then phone else email end as recipient from (
        select account_no, name, language, email, phone,
            case when phone <> '' and (channel = 'sms' or coalesce(email, '') = '') then 'sms'
                when email <> '' then 'email' end as channel
        from customer) ways
    where channel is not null;
comment on view customer_reach is 'one way a customer: the one on record, else the other';
grant select on customer_reach to headwater_notify, headwater_api;

-- Tickets that no event opened.
alter table ticket
    add column topic text,
    add column subject text not null default '',
    add column said text not null default '',
    add column service_point_id bigint,
    add column opened_by text not null default 'system';
comment on column ticket.said is 'the matter in the words of who brought it';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table ticket add constraint ticket_point_fkey foreign key (service_point_id) references service_point;
grant insert on ticket, ticket_event, ticket_relation to headwater_api;
grant select (id, login, name, email, phone, language, webhook_url, roles, region_id, superior_id, deputy_id,
    absent_from, absent_until, on_duty_desk, active) on staff to headwater_api;
