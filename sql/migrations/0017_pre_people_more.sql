-- Who applied a change of segment; special customers are visited monthly.

alter table segment_change add column applied_by text;
update segment_rule set visit_every_months = 1 where segment = 'special' and updated_by = 'system';
