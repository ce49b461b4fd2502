-- The network's map, the utility's hydraulic model, the weather; and policies that are set through the API.

create table node (
    node text primary key,
    elevation_m float8,
    x float8,
    y float8
);

create table pipe (
    pipe text primary key,
    node1 text not null,
    node2 text not null,
    length_m float8 check (length_m >= 0),
    diameter_mm float8 check (diameter_mm >= 0)
);

create table network (
    one boolean primary key default true check (one),
    inp text not null default '',
    revision int not null default 1
);
comment on column network.inp is 'the EPANET model as it was imported; empty where there is none';
comment on column network.revision is 'rises with every change of node, pipe or inp';

-- The weather of the hour that ends at ts.
create table weather (
    ts timestamptz primary key,
    rain_mm float8,
    air_c float8,
    humidity_pct float8,
    wind_kmh float8
);

grant select on node, pipe, network, weather to headwater_detect;

alter table detector_policy add column ended_by text;
alter table detector_policy add column ended_why text;
grant insert (detector, scope, scope_key, params, enabled, valid_from, valid_until, exemption, why, created_by)
    on detector_policy to headwater_api;
grant update (valid_until, ended_by, ended_why) on detector_policy to headwater_api;

-- Who may see and set a policy through the API: what holds for one's own customers and for everybody is seen,
-- what is set by somebody who sees own customers only concerns one of these.

create function headwater_owns(scope text, scope_key text) returns boolean language sql stable
    return case scope
        when 'customer' then exists (select from customer c where c.account_no = scope_key)
        when 'meter' then exists (select from meter m where m.serial = scope_key)
        else false end;

alter table detector_policy enable row level security;
create policy detector_policy_service on detector_policy for all to headwater_ingest, headwater_detect, headwater_notify
    using (true) with check (true);
create policy detector_policy_seen on detector_policy for select to headwater_api
    using ((select headwater_sees_all()) or scope not in ('customer', 'meter') or headwater_owns(scope, scope_key));
create policy detector_policy_set on detector_policy for insert to headwater_api
    with check ((select headwater_sees_all()) or headwater_owns(scope, scope_key));
create policy detector_policy_ended on detector_policy for update to headwater_api
    using ((select headwater_sees_all()) or headwater_owns(scope, scope_key));

-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table api_key drop constraint api_key_scopes_check;
alter table api_key add constraint api_key_scopes_check check (scopes <@ '{customers:read,readings:read,events:read,tickets:read,tickets:write,policies:read,policies:write,quarantine:read,quarantine:write,metrics:read}') not valid;
