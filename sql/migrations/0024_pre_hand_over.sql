-- What was handed over for an absence, and what is set when somebody leaves.

alter table staff_absence add column handed bigint[] not null default '{}';
comment on column staff_absence.handed is 'tickets that went to who stands in when it began';

grant update (active) on staff to headwater_api;
grant update (manager_id) on dma to headwater_api;
grant update (manager_id) on visit to headwater_api;
grant update (revoked_at) on api_key to headwater_api;
grant select, delete on session to headwater_api;
