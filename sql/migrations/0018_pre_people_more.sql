-- Who applied a change of segment; special customers are visited monthly; crews work by a calendar on record.

alter table segment_change add column applied_by text;
update segment_rule set visit_every_months = 1 where segment = 'special' and updated_by = 'system';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table crew add constraint crew_calendar_fkey foreign key (calendar) references calendar on update cascade;
