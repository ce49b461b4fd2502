-- Whether a channel signs may be seen by those who may not see what it signs with.

-- squawk-ignore adding-field-with-default, require-timeout-settings
alter table staff_channel add column signed boolean not null generated always as (secret <> '') stored;
grant select (signed) on staff_channel to headwater_api;
-- Sent again, a message goes to the address that is on record now.
grant update (recipient) on outbox to headwater_api;
