-- The area of an outage stands in outage_dma; its supply in outage.supply.

insert into outage_dma (outage_id, dma_id) select id, dma_id from outage where dma_id is not null on conflict do nothing;
-- squawk-ignore ban-drop-column
alter table outage drop column dma_id;
-- squawk-ignore ban-drop-column
alter table outage drop column emergency_supply;
