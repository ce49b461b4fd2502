-- What a month was like in each DMA: its water balance, and the pressure at each of its sensors.

create table dma_month (
    dma_id int not null references dma,
    month date not null check (extract(day from month) = 1),
    hours int not null,
    inflow_hours int not null,
    use_hours int not null,
    inflow_m3 float8,
    used_m3 float8,
    lost_m3 float8,
    lost_share float8,
    night_lph float8,
    customers int not null,
    mean_kpa float8,
    minutes_below int,
    peak_valley_kpa float8,
    uarl_l_day float8,
    ili float8,
    loss_rate float8,
    grade text check (grade in ('1', '2', 'above')),
    made_at timestamptz not null,
    primary key (dma_id, month)
);
comment on column dma_month.hours is 'hours of the month so far';
comment on column dma_month.inflow_hours is 'hours in which every meter around the DMA is known and not estimated';
comment on column dma_month.use_hours is 'of these, hours in which nine tenths of its metered customers are';
comment on column dma_month.lost_m3 is 'inflow less metered use in the hours of both: non-revenue water, where all customers are metered';
comment on column dma_month.loss_rate is 'lost_share corrected by CJJ 92-2016 5.2.3; its grade: 1 up to 10 %, 2 up to 12 %';

create table pressure_month (
    meter_id int not null references meter,
    month date not null check (extract(day from month) = 1),
    dma_id int not null references dma,
    minutes_known int not null,
    minutes_below int,
    service_min_kpa float4,
    mean_kpa float8 not null,
    lowest_kpa float8 not null,
    peak_valley_kpa float8 not null,
    made_at timestamptz not null,
    primary key (meter_id, month)
);
comment on column pressure_month.peak_valley_kpa is 'mean over its days of the highest less the lowest hourly mean';
create index pressure_month_dma_idx on pressure_month (dma_id, month);

grant select on dma_month, pressure_month to headwater_api;
alter table dma_month enable row level security;
alter table pressure_month enable row level security;
create policy dma_month_api on dma_month for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from customer c where c.dma_id = dma_month.dma_id));
create policy pressure_month_api on pressure_month for all to headwater_api
    using ((select headwater_sees_all()) or exists (select from customer c where c.dma_id = pressure_month.dma_id));
