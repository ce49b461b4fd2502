-- The few meters around and inside districts are found among the many of customers.

-- squawk-ignore require-concurrent-index-creation
create index meter_zone_idx on meter (id) where kind <> 'customer';
