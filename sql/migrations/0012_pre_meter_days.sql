-- What a day told of a meter itself; written once the day is over, read back when detection starts.

create table meter_day (
    meter_id int not null,
    day timestamptz not null,
    battery_v float4,
    skew_s float4,
    motion smallint not null default 0,
    primary key (meter_id, day)
);
comment on column meter_day.day is 'start of the day, UTC';
comment on column meter_day.battery_v is 'lowest voltage; 0 where the meter itself says that it is low';
comment on column meter_day.skew_s is 'least receipt time less meter time over what was received on the day, seconds';
comment on column meter_day.motion is 'bits: register moved 1, stood still 2, stood still while flow was told 4; pressure was the same 8, varied 16';
select create_hypertable('meter_day', by_range('day', interval '28 days'), create_default_indexes => false);

grant select, insert, update on meter_day to headwater_detect;
grant select on meter_clock to headwater_detect;
