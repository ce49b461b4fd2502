-- name: lock_customer
select to_jsonb(c) from customer c where c.account_no = %(account_no)s for update;

-- name: change_customer
update customer c set name = n.name, sector = n.sector, segment = n.segment, segment_by = n.segment_by,
    language = n.language, address = n.address, phone = n.phone, email = n.email, channel = n.channel,
    manager_id = n.manager_id, dma_id = n.dma_id, tariff_price_m3 = n.tariff_price_m3, shifts = n.shifts,
    dwellings = n.dwellings, household_size = n.household_size, lives_alone = n.lives_alone,
    category = n.category, needs = n.needs,
    contact_confirmed_at = case when %(after)s::jsonb ?| '{phone,email,address}' then %(at)s::timestamptz
        else c.contact_confirmed_at end,
    version = c.version + 1, updated_at = %(at)s
from customer o, jsonb_populate_record(o, %(after)s) n
where c.account_no = %(account_no)s and o.account_no = %(account_no)s
returning c.version;

-- name: record_change
insert into customer_change (account_no, version, at, actor, why, before, after)
values (%(account_no)s, %(version)s, %(at)s, %(actor)s, %(why)s, %(before)s, %(after)s);

-- name: changes_since
select h.version, h.at, h.actor, h.why, f.key, h.before -> f.key, f.value
from customer_change h, jsonb_each(h.after) f
where h.account_no = %(account_no)s and h.version > %(version)s and f.value is distinct from h.before -> f.key
    and f.key = any (%(columns)s)
order by h.version, f.key limit 200;

-- name: change_of
select f.key, h.before -> f.key, f.value
from customer_change h, jsonb_each(h.after) f
where h.account_no = %(account_no)s and h.version = %(version)s and f.value is distinct from h.before -> f.key
    and f.key = any (%(columns)s);

-- name: doubt
insert into contact_check (account_no, kind, field, why, opened_at)
select account_no, %(kind)s, %(field)s, %(why)s, %(at)s from customer where account_no = %(account_no)s
on conflict (account_no, kind) where state = 'open' do nothing
returning id;

-- name: settle_corrected
update contact_check set state = 'corrected', decided_by = %(actor)s, decided_at = %(at)s, decided_why = %(why)s
where account_no = %(account_no)s and state = 'open' and field = any (%(columns)s);
