-- The network's map, the utility's hydraulic model, the weather; and who ended a policy.

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
