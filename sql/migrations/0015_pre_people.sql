-- Who is away, on duty and out on site; what a customer uses by month, and the segment that follows from it.

create table staff_absence (
    id bigint generated always as identity primary key,
    staff_id bigint not null references staff,
    starts_at timestamptz not null,
    ends_at timestamptz not null default 'infinity',
    why text not null default '',
    deputy_id bigint references staff,
    covered_at timestamptz,
    created_by text not null,
    created_at timestamptz not null,
    check (starts_at < ends_at),
    check (deputy_id <> staff_id)
);
comment on column staff_absence.deputy_id is 'who stands in this time; the usual deputy where null';
comment on column staff_absence.covered_at is 'when the urgent tickets were handed to who stands in';
create index staff_absence_staff_idx on staff_absence (staff_id, ends_at);
create index staff_absence_begun_idx on staff_absence (starts_at) where covered_at is null;
insert into staff_absence (staff_id, starts_at, ends_at, created_by, created_at)
select id, coalesce(absent_from, '-infinity'), coalesce(absent_until, 'infinity'), 'migration', now() from staff
where (absent_from is not null or absent_until is not null)
    and coalesce(absent_from, '-infinity') < coalesce(absent_until, 'infinity');

-- Until when somebody is away who is away at this instant; null for who is here.
create function staff_away(staff_id bigint, at timestamptz) returns timestamptz language sql stable
    return (select max(a.ends_at) from staff_absence a
        where a.staff_id = staff_away.staff_id and a.starts_at <= staff_away.at and a.ends_at > staff_away.at);

-- Who stands in at this instant: the one named for the absence, else the usual deputy.
create function staff_deputy(staff_id bigint, at timestamptz) returns bigint language sql stable
    return coalesce((select a.deputy_id from staff_absence a
        where a.staff_id = staff_deputy.staff_id and a.starts_at <= staff_deputy.at and a.ends_at > staff_deputy.at
            and a.deputy_id is not null
        order by a.starts_at desc limit 1), (select s.deputy_id from staff s where s.id = staff_deputy.staff_id));

create table duty_shift (
    id bigint generated always as identity primary key,
    staff_id bigint not null references staff,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    note text not null default '',
    created_by text not null,
    created_at timestamptz not null,
    check (starts_at < ends_at),
    unique (staff_id, starts_at)
);
comment on table duty_shift is 'who is on the duty desk when; staff.on_duty_desk is for who always is';
create index duty_shift_ends_idx on duty_shift (ends_at);

create table crew (
    id int generated always as identity primary key,
    code text not null unique,
    name text not null,
    region_id int references region,
    x float8,
    y float8,
    lead_id bigint references staff,
    phone text,
    skills text[] not null default '{}',
    calendar text not null default 'round_the_clock',
    active boolean not null default true,
    check ((x is null) = (y is null))
);
comment on column crew.x is 'where the crew sets out from, in the coordinates of service_point';
comment on column crew.skills is 'groups and topics of tickets it takes; empty for all';
create table crew_member (
    crew_id int not null references crew,
    staff_id bigint not null references staff,
    primary key (crew_id, staff_id)
);
create index crew_member_staff_idx on crew_member (staff_id);

alter table ticket add column crew_id int, add column dispatched_at timestamptz;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table ticket add constraint ticket_crew_fkey foreign key (crew_id) references crew;
-- squawk-ignore require-concurrent-index-creation
create index ticket_crew_idx on ticket (crew_id, id) where crew_id is not null
    and state in ('open', 'acknowledged', 'responded', 'reopened');
-- squawk-ignore require-concurrent-index-creation
create index ticket_load_idx on ticket (assignee_id) include (priority, state, response_due, resolution_due)
    where state in ('open', 'acknowledged', 'responded', 'reopened');

-- What an open ticket weighs in somebody's load.
create function ticket_weight(priority text) returns float8 language sql immutable parallel safe
    return case priority when 'urgent' then 4 when 'high' then 2 when 'normal' then 1 else 0.5 end;

-- What a customer used by month of the utility's zone.
create table customer_month (
    account_no text not null references customer on update cascade,
    month date not null check (extract(day from month) = 1),
    volume_l float8 not null,
    hours int not null,
    made_at timestamptz not null,
    primary key (account_no, month)
);
comment on column customer_month.hours is 'hours of the month for which the use is known, of the service point that is known best';
create index customer_month_month_idx on customer_month (month, account_no) include (volume_l, hours);

alter table customer add column category text, add column needs text[] not null default '{}';
comment on column customer.category is 'what kind of place it is: hospital, school, ...';
comment on column customer.needs is 'what makes somebody vulnerable: elderly, disabled, infant, medical, ...';
-- squawk-ignore require-concurrent-index-creation
create index customer_segment_idx on customer (segment, account_no) where segment <> 'general';

create table segment_policy (
    one boolean primary key default true check (one),
    large_share float8 not null default 0.40 check (large_share between 0 and 1),
    large_keep_share float8 not null default 0.45 check (large_keep_share between 0 and 1),
    large_least_m3 float8 not null default 3650 check (large_least_m3 >= 0),
    large_most_share float8 not null default 0.01 check (large_most_share between 0 and 1),
    least_days int not null default 180 check (least_days between 0 and 366),
    special_categories text[] not null
        default '{hospital,clinic,dialysis,care_home,school,kindergarten,fire_station,government}',
    vulnerable_needs text[] not null default '{medical}',
    vulnerable_needs_alone text[] not null default '{elderly,disabled,infant}',
    version int not null default 1,
    updated_by text not null default 'system',
    check (large_share <= large_keep_share)
);
comment on column segment_policy.large_share is 'large are the customers who, the largest first, together carry this share of the volume';
comment on column segment_policy.large_keep_share is 'up to which share somebody large stays large, so that nobody goes to and fro';
comment on column segment_policy.large_least_m3 is 'nobody is large who uses less in 12 months';
comment on column segment_policy.large_most_share is 'never more than this share of the customers is large';
comment on column segment_policy.least_days is 'an imported large customer stays large until so many days of use are known';
comment on column segment_policy.vulnerable_needs_alone is 'needs that make vulnerable who lives alone; vulnerable_needs do always';
insert into segment_policy default values;

-- What follows from the segment.
create table segment_rule (
    segment text not null check (segment in ('large', 'special', 'vulnerable', 'general')),
    sector text not null check (sector in ('residential', 'industrial', 'commercial', 'institutional')),
    urgent boolean not null default false,
    lift smallint not null default 0 check (lift between 0 and 3),
    visit_every_months smallint check (visit_every_months between 1 and 60),
    channel text not null default 'email',
    version int not null default 1,
    updated_by text not null default 'system',
    primary key (segment, sector)
);
comment on column segment_rule.urgent is 'every finding takes the green channel';
comment on column segment_rule.lift is 'levels of priority above what the severity gives';
comment on column segment_rule.visit_every_months is 'null: not visited by cadence';
comment on column segment_rule.channel is 'how a customer is written to who has not said otherwise';
insert into segment_rule (segment, sector, urgent, visit_every_months)
select segment, sector, segment <> 'general', case when segment = 'large' or sector = 'industrial' then 1
    when segment = 'general' and sector in ('commercial', 'institutional') then 6 else 3 end
from unnest(array['large', 'special', 'vulnerable', 'general']) segment,
    unnest(array['residential', 'industrial', 'commercial', 'institutional']) sector;

-- What the rule made, or would make, of whom.
create table segment_change (
    id bigint generated always as identity primary key,
    month date not null,
    account_no text not null references customer on update cascade,
    was text not null,
    becomes text not null,
    why text not null,
    volume_m3 float8 not null,
    rank int not null,
    customers int not null,
    share_through float8 not null,
    proposed_at timestamptz not null,
    applied_at timestamptz
);
comment on column segment_change.month is 'the 12 whole months before it count';
comment on column segment_change.share_through is 'share of the volume that the customers up to this rank carry together';
create index segment_change_month_idx on segment_change (month, account_no);
create unique index segment_change_open_idx on segment_change (account_no) where applied_at is null;

create table segment_month (
    month date not null,
    segment text not null,
    customers int not null,
    unmanaged int not null,
    volume_m3 float8 not null,
    made_at timestamptz not null,
    primary key (month, segment)
);
comment on column segment_month.unmanaged is 'of these, customers without an account manager who works here';

grant select on staff_absence, duty_shift, crew, crew_member, customer_month, segment_policy, segment_rule
    to headwater_notify, headwater_api;
grant select on segment_change, segment_month to headwater_api;
grant insert, update, delete on staff_absence, duty_shift, crew_member to headwater_api;
grant insert, update on crew, region to headwater_api;
grant update (deputy_id, superior_id, region_id, on_duty_desk) on staff to headwater_api;
grant update (assignee_id, routed_by, crew_id, dispatched_at) on ticket to headwater_api;
grant update on segment_policy, segment_rule to headwater_api;
grant update (category, needs) on customer to headwater_api;

-- What is seen, and what is set by whom: everybody own matters, who sees all the rest.
create function headwater_crews() returns setof int
    language sql stable rows 5 security definer set search_path = public, pg_temp as $$
    select id from crew where lead_id = headwater_staff()
    union select crew_id from crew_member where staff_id = headwater_staff()
$$;
create or replace function headwater_ticket_accounts() returns setof text
    language sql stable rows 100 security definer set search_path = public, pg_temp as $$
    select account_no from ticket where assignee_id = headwater_staff() and account_no is not null
        and state not in ('confirmed', 'merged')
    union select account_no from ticket where crew_id in (select headwater_crews()) and account_no is not null
        and state in ('open', 'acknowledged', 'responded', 'reopened')
$$;
create or replace function headwater_ticket_events() returns setof bigint
    language sql stable rows 100 security definer set search_path = public, pg_temp as $$
    select e.event_id from ticket t join ticket_event e on e.ticket_id = t.id where t.assignee_id = headwater_staff()
    union select e.event_id from ticket t join ticket_event e on e.ticket_id = t.id
        where t.crew_id in (select headwater_crews()) and t.state in ('open', 'acknowledged', 'responded', 'reopened')
$$;
alter policy ticket_api on ticket using ((select headwater_sees_all())
    or exists (select from customer c where c.account_no = ticket.account_no)
    or assignee_id = (select headwater_staff())
    or crew_id in (select headwater_crews()));

do $$
declare
    guarded record;
begin
    for guarded in select * from (values
        ('staff', 'true', 'id = (select headwater_staff())'),
        ('staff_absence', 'true', 'staff_id = (select headwater_staff())'),
        ('duty_shift', 'true', 'false'),
        ('crew', 'true', 'false'),
        ('crew_member', 'true', 'false'),
        ('region', 'true', 'false'),
        ('segment_policy', 'true', 'false'),
        ('segment_rule', 'true', 'false'),
        ('segment_month', '(select headwater_sees_all())', 'false'),
        ('segment_change', 'exists (select from customer c where c.account_no = segment_change.account_no)', 'false'),
        ('customer_month', 'exists (select from customer c where c.account_no = customer_month.account_no)', 'false')
        ) t (name, visible, own) loop
        execute format('alter table %I enable row level security', guarded.name);
        execute format('create policy %I on %I for select to headwater_api using ((select headwater_sees_all()) or %s)',
            guarded.name || '_seen', guarded.name, guarded.visible);
        execute format('create policy %I on %I for insert to headwater_api with check ((select headwater_sees_all()) or %s)',
            guarded.name || '_made', guarded.name, guarded.own);
        execute format('create policy %I on %I for update to headwater_api using ((select headwater_sees_all()) or %s)',
            guarded.name || '_set', guarded.name, guarded.own);
        execute format('create policy %I on %I for delete to headwater_api using ((select headwater_sees_all()) or %s)',
            guarded.name || '_ended', guarded.name, guarded.own);
        execute format('create policy %I on %I for all to headwater_ingest, headwater_detect, headwater_notify using (true) with check (true)',
            guarded.name || '_service', guarded.name);
    end loop;
end $$;
