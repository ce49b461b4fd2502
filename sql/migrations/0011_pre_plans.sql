-- Events of water plans.

-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table event drop constraint event_grp_check;
alter table event add constraint event_grp_check check (grp in ('leak', 'network', 'pressure', 'industrial', 'plan',
    'device', 'welfare', 'profile')) not valid;

grant select on water_plan to headwater_detect;
