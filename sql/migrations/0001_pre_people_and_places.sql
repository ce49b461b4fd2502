-- Who is served, where, by which meter, and who answers for them.

create extension if not exists timescaledb;

create table utility (
    one boolean primary key default true check (one),
    name text not null,
    timezone text not null,
    country text not null default '',
    currency text not null default 'CNY',
    price_m3 float8 not null default 0 check (price_m3 >= 0)
);

create table region (
    id int generated always as identity primary key,
    code text not null unique,
    name text not null,
    parent_id int references region
);

create table staff (
    id bigint generated always as identity primary key,
    login text not null unique,
    name text not null,
    email text,
    phone text,
    webhook_url text,
    language text not null default 'zh' check (language in ('zh', 'en')),
    roles text[] not null default '{manager}' check (roles <@ '{admin,operations,manager,reader}'),
    region_id int references region,
    superior_id bigint references staff,
    deputy_id bigint references staff,
    absent_from timestamptz,
    absent_until timestamptz,
    on_duty_desk boolean not null default false,
    password_hash text,
    active boolean not null default true,
    created_at timestamptz not null default now()
);
create index staff_region_idx on staff (region_id) where active;

create table dma (
    id int generated always as identity primary key,
    code text not null unique,
    name text not null,
    region_id int references region,
    manager_id bigint references staff,
    night_start time not null default '02:00',
    night_end time not null default '04:00',
    min_pressure_kpa float4,
    connections int,
    mains_km float4
);
create index dma_region_idx on dma (region_id);

create table customer (
    account_no text primary key,
    name text not null,
    name_key text not null generated always as (lower(name)) stored,
    sector text not null default 'residential'
        check (sector in ('residential', 'industrial', 'commercial', 'institutional')),
    segment text not null default 'general' check (segment in ('large', 'special', 'vulnerable', 'general')),
    segment_by text not null default 'import',
    language text not null default 'zh' check (language in ('zh', 'en')),
    address text,
    phone text,
    email text,
    channel text not null default 'email',
    manager_id bigint references staff,
    dma_id int references dma,
    tariff_price_m3 float8 check (tariff_price_m3 >= 0),
    shifts text,
    dwellings int not null default 1 check (dwellings >= 1),
    household_size int check (household_size >= 0),
    lives_alone boolean not null default false,
    version int not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index customer_manager_idx on customer (manager_id, account_no);
create index customer_dma_idx on customer (dma_id);
comment on column customer.name_key is 'what a search by name compares: a function in the search itself would bar the index under row-level security';
create index customer_name_idx on customer (name_key text_pattern_ops, account_no);

-- One record, one truth: every change of a profile, with who and why.
create table customer_change (
    id bigint generated always as identity primary key,
    account_no text not null references customer on update cascade,
    version int not null,
    at timestamptz not null default now(),
    actor text not null,
    why text not null,
    before jsonb not null,
    after jsonb not null,
    unique (account_no, version)
);

create table service_point (
    id bigint generated always as identity primary key,
    code text not null unique,
    account_no text references customer on update cascade,
    dma_id int references dma,
    address text,
    node text,
    x float8,
    y float8,
    elevation_m float4
);
create index service_point_account_idx on service_point (account_no);
create index service_point_dma_idx on service_point (dma_id);

create table meter (
    id int generated always as identity primary key,
    serial text not null unique,
    kind text not null default 'customer'
        check (kind in ('customer', 'dma_inlet', 'dma_outlet', 'pressure', 'storage')),
    dma_id int references dma,
    from_dma_id int references dma,
    q3_lph float4 check (q3_lph > 0),
    resolution_l float4 check (resolution_l > 0),
    register_modulus_l float8 check (register_modulus_l > 0),
    interval_s int not null default 3600 check (interval_s between 1 and 86400),
    node text,
    x float8,
    y float8,
    elevation_m float4,
    active boolean not null default true
);
create index meter_dma_idx on meter (dma_id, id);

create table meter_installation (
    id bigint generated always as identity primary key,
    meter_id int not null references meter,
    service_point_id bigint not null references service_point,
    installed_at timestamptz not null default '-infinity',
    removed_at timestamptz not null default 'infinity',
    check (installed_at < removed_at)
);
create unique index meter_installation_current_idx on meter_installation (meter_id)
    where removed_at = 'infinity';
create index meter_installation_meter_idx on meter_installation (meter_id, installed_at);
create index meter_installation_point_idx on meter_installation (service_point_id, installed_at);
