-- Visits that were put off or are overdue are figures of their own; a region's figures by manager, a manager's by segment.

alter table figure_month
    add column visits_postponed int not null default 0,
    add column visits_overdue int not null default 0;
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table figure_month drop constraint figure_month_dimension_check;
alter table figure_month add constraint figure_month_dimension_check check (dimension in
    ('utility', 'manager', 'region', 'segment', 'region_manager', 'manager_segment')) not valid;
-- squawk-ignore require-concurrent-index-creation
create index visit_planned_idx on visit ((coalesce(planned_on, due_on)));

-- Whose figures something counts for: the utility's, a manager's, those of a region and every region above, a
-- segment's, and those of a manager within each of the regions and of a segment within the manager's. Empty and 0:
-- nobody's, nowhere, none.
create or replace function figure_keys(login text, region_id int, segment text) returns table (dimension text, key text)
    language sql stable as $$
    select 'utility', ''
    union all select 'manager', figure_keys.login where figure_keys.login <> ''
    union all select d.dimension, r.code || d.within
        from region_above a join region r on r.id = a.above_id
        cross join (values ('region', ''), ('region_manager', '/' || figure_keys.login)) d (dimension, within)
        where a.region_id = figure_keys.region_id and d.within <> '/'
    union all select 'segment', figure_keys.segment where figure_keys.segment <> ''
    union all select 'manager_segment', figure_keys.login || '/' || figure_keys.segment
        where figure_keys.login <> '' and figure_keys.segment <> ''
$$;

alter policy figure_month_api on figure_month using ((select headwater_sees_all())
    or dimension = 'manager' and key = (select login from staff s where s.id = headwater_staff())
    or dimension = 'manager_segment'
        and left(key, -length(substring(key from '[^/]*$')) - 1) = (select login from staff s where s.id = headwater_staff()));
