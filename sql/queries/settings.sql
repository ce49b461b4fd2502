-- name: calendars seq: calendar, sla_policy, crew
select c.code, c.hours, c.holidays, coalesce(c.country, '') as country, coalesce(c.subdivision, '') as subdivision,
    c.closed_days, c.extra_days, c.version, h.actor as changed_by, h.at as changed_at, h.why,
    array(select p.code from sla_policy p where p.calendar = c.code order by p.code) as policies,
    array(select w.code from crew w where w.calendar = c.code and w.active order by w.code) as crews
from calendar c left join setting_change h on h.kind = 'calendar' and h.code = c.code and h.version = c.version
where %(code)s::text is null or c.code = %(code)s
order by c.code;

-- name: calendar_to_change
select hours, holidays, coalesce(country, ''), coalesce(subdivision, ''), closed_days, extra_days, version
from calendar where code = %(code)s for update;

-- name: make_calendar
insert into calendar (code, hours, holidays, country, subdivision, closed_days, extra_days)
values (%(code)s, %(hours)s, %(holidays)s, nullif(%(country)s, ''), nullif(%(subdivision)s, ''), %(closed_days)s::date[],
    %(extra_days)s::date[])
on conflict do nothing
returning version;

-- name: set_calendar
update calendar set hours = %(hours)s, holidays = %(holidays)s, country = nullif(%(country)s, ''),
    subdivision = nullif(%(subdivision)s, ''), closed_days = %(closed_days)s::date[], extra_days = %(extra_days)s::date[],
    version = version + 1
where code = %(code)s
returning version;

-- name: levels seq: sla_policy
select p.code, p.priority, p.segment, p.topic, p.calendar, round(p.response_s / 3600.0, 4)::float8 as response_h,
    round(p.resolution_s / 3600.0, 4)::float8 as resolution_h,
    round(p.response_warn_s::numeric / p.response_s, 6)::float8 as response_warn_share,
    round(p.resolution_warn_s::numeric / p.resolution_s, 6)::float8 as resolution_warn_share,
    round(p.escalate_s / 3600.0, 4)::float8 as escalate_h, p.active, p.version, h.actor as changed_by, h.at as changed_at, h.why
from sla_policy p left join setting_change h on h.kind = 'sla' and h.code = p.code and h.version = p.version
where %(code)s::text is null or p.code = %(code)s
order by array_position(array['urgent', 'high', 'normal', 'low'], p.priority), p.topic nulls first,
    p.segment nulls first, p.code;

-- name: level_to_change
select p.code, p.priority, p.segment, p.topic, p.calendar, round(p.response_s / 3600.0, 4)::float8,
    round(p.resolution_s / 3600.0, 4)::float8,
    round(p.response_warn_s::numeric / p.response_s, 6)::float8,
    round(p.resolution_warn_s::numeric / p.resolution_s, 6)::float8,
    round(p.escalate_s / 3600.0, 4)::float8, p.active, p.version
from sla_policy p where p.code = %(code)s for update;

-- name: make_level
insert into sla_policy (code, urgent, priority, segment, topic, calendar, response_s, resolution_s, response_warn_s,
    resolution_warn_s, escalate_s, active)
values (%(code)s, %(priority)s = 'urgent', %(priority)s, %(segment)s, %(topic)s, %(calendar)s,
    round(%(response_h)s * 3600), round(%(resolution_h)s * 3600), round(%(response_h)s * 3600 * %(response_warn_share)s),
    round(%(resolution_h)s * 3600 * %(resolution_warn_share)s), round(%(escalate_h)s * 3600), %(active)s)
on conflict do nothing
returning version;

-- name: set_level
update sla_policy set calendar = %(calendar)s, response_s = round(%(response_h)s * 3600), resolution_s = round(%(resolution_h)s * 3600),
    response_warn_s = round(%(response_h)s * 3600 * %(response_warn_share)s),
    resolution_warn_s = round(%(resolution_h)s * 3600 * %(resolution_warn_share)s), escalate_s = round(%(escalate_h)s * 3600),
    active = %(active)s, version = version + 1
where code = %(code)s
returning version;

-- name: note_change
insert into setting_change (kind, code, version, at, actor, why, before, after)
values (%(kind)s, %(code)s, %(version)s, %(at)s, %(actor)s, %(why)s, %(before)s, %(after)s);

-- name: last_setting_change
select actor, at, why from setting_change where kind = %(kind)s and code = %(code)s order by version desc limit 1;

-- name: setting_changes
select version, at, actor, why, before, after from setting_change
where kind = %(kind)s and code = %(code)s and version < %(version)s
order by version desc limit %(limit)s;
