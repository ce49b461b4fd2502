-- How the line is doing, for the operations room: what arrives, what waits, who reads it.

alter table arrival add column messages int not null default 0;
comment on column arrival.messages is 'of the broker; 0: readings that came another way';

create view seen_arrival with (security_barrier) as
    select a.* from arrival a where (select headwater_sees_all());
grant select on seen_arrival to headwater_api;
grant select on feed_position to headwater_api;
