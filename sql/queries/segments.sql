-- name: withdraw
delete from segment_change where applied_at is null;

-- name: propose seq: segment_policy
with used as materialized (
    -- Whole litres, so that sums are exact and equals are equal.
    select account_no, round(sum(volume_l)) as litres, sum(hours) as hours, count(*) as months
    from customer_month where month >= %(since)s and month < %(month)s
    group by account_no
), ranked as materialized (
    select account_no, litres / 1000 as m3, hours, months, rank() over by_volume as rank,
        count(*) over by_volume as as_many, sum(litres) over by_volume as through_l, sum(litres) over () as total_l,
        sum(litres) over by_volume - litres * count(*) over (partition by litres) as before_l
    from used where litres > 0
    window by_volume as (order by litres desc)
), known as (
    select c.account_no, c.segment as was, c.segment_by, c.category, c.needs, c.lives_alone,
        coalesce(r.m3, 0) as m3, coalesce(r.hours, 0) as hours, coalesce(r.months, 0) as months,
        coalesce(r.rank, n.customers) as rank, n.customers, coalesce(r.through_l / r.total_l, 1) as share,
        r.before_l < r.total_l * (case when c.segment = 'large' then p.large_keep_share else p.large_share end) as first,
        r.m3 >= p.large_least_m3 * least(1, r.hours / 8766.0) as enough,
        r.as_many <= ceil(p.large_most_share * n.customers) as few,
        c.segment_by = 'import' and c.segment = 'large' and coalesce(r.hours, 0) < p.least_days * 24 as too_early,
        c.category = any (p.special_categories) as is_special,
        c.needs && p.vulnerable_needs or (c.lives_alone and c.needs && p.vulnerable_needs_alone) as is_vulnerable,
        p.large_share, p.large_least_m3, ceil(p.large_most_share * n.customers) as most
    from customer c
    cross join segment_policy p
    cross join (select count(*) as customers from customer) n
    left join ranked r on r.account_no = c.account_no
    where c.segment_by in ('import', 'rule')
), judged as (
    select *, case
        when is_special or (segment_by = 'import' and was = 'special') then 'special'
        when (first and enough and few) or too_early then 'large'
        when is_vulnerable or (segment_by = 'import' and was = 'vulnerable') then 'vulnerable'
        else 'general' end as becomes
    from known
)
insert into segment_change (month, account_no, was, becomes, why, volume_m3, rank, customers, share_through, proposed_at)
select %(month)s, account_no, was, becomes,
    becomes || ': ' || concat_ws('; ',
        case when becomes = 'special' then category
            when becomes = 'vulnerable' then concat_ws(', ', case when lives_alone then 'lives alone' end,
                nullif(array_to_string(needs, ', '), '')) end,
        case when was = 'special' and not coalesce(is_special, false) then coalesce(category, 'no category') || ' is not special' end,
        case when was = 'vulnerable' and not coalesce(is_vulnerable, false) then 'nothing makes it vulnerable any more' end,
        case when months = 0 then 'no use known'
            else format('%%s m3 in %%s months, rank %%s of %%s, together %%s %%%%', to_char(m3, 'FM999,999,999,990'), months,
                to_char(rank, 'FM999,999,990'), to_char(customers, 'FM999,999,990'), to_char(100 * share, 'FM990.0')) end,
        case when was = 'large' and becomes <> 'special' then
            case when not coalesce(enough, false)
                    then format('under the %%s m3 a year that make large', to_char(large_least_m3, 'FM999,999,999,990'))
                when not few then format('at most %%s are large', to_char(most, 'FM999,999,990'))
                else format('past the first %%s %%%%', to_char(100 * large_share, 'FM990')) end end),
    m3, rank, customers, share, %(at)s
from judged where becomes <> was;

-- name: summary
select was, becomes, count(*) from segment_change
where month = %(month)s and (applied_at is not null) = %(applied)s
group by was, becomes order by was, becomes;

-- name: apply
with open as (
    select h.id, h.account_no, h.becomes, h.why, c.segment_by, c.channel, c.segment as was,
        case when c.channel = old.channel and not exists (select from customer_change e
                where e.account_no = c.account_no and e.after ? 'channel' and e.actor not in ('import', 'rule'))
            then new.channel else c.channel end as new_channel
    from segment_change h
    join customer c on c.account_no = h.account_no and c.segment = h.was and c.segment_by in ('import', 'rule')
    join segment_rule old on old.segment = c.segment and old.sector = c.sector
    join segment_rule new on new.segment = h.becomes and new.sector = c.sector
    where h.applied_at is null and h.month = %(month)s
), changed as (
    update customer c set segment = o.becomes, segment_by = 'rule', channel = o.new_channel, version = c.version + 1,
        updated_at = %(at)s
    from open o where c.account_no = o.account_no
    returning c.account_no, c.version, o.id, o.why, o.segment_by, o.was, o.becomes, o.channel, o.new_channel
), logged as (
    insert into customer_change (account_no, version, at, actor, why, before, after)
    select account_no, version, %(at)s, 'rule', why,
        jsonb_build_object('segment', was, 'segment_by', segment_by)
            || case when channel <> new_channel then jsonb_build_object('channel', channel) else '{}' end,
        jsonb_build_object('segment', becomes, 'segment_by', 'rule')
            || case when channel <> new_channel then jsonb_build_object('channel', new_channel) else '{}' end
    from changed
), done as (
    update segment_change h set applied_at = %(at)s, applied_by = %(by)s from changed n where h.id = n.id
), overtaken as (
    delete from segment_change where applied_at is null and month <= %(month)s and id not in (select id from open)
)
select count(*) from changed;

-- name: forget_sums seq: segment_month
delete from segment_month where month = %(month)s;

-- name: sum_up
insert into segment_month (month, segment, customers, unmanaged, volume_m3, made_at)
select %(month)s, c.segment, count(*), count(*) filter (where s.id is null), coalesce(sum(u.m3), 0), %(at)s
from customer c
left join staff s on s.id = c.manager_id and s.active
left join (select account_no, sum(volume_l) / 1000 as m3 from customer_month
    where month >= %(since)s and month < %(month)s group by account_no) u on u.account_no = c.account_no
group by c.segment;

-- name: policy seq: segment_policy
select large_share, large_keep_share, large_least_m3, large_most_share, least_days, special_categories,
    vulnerable_needs, vulnerable_needs_alone, version, updated_by
from segment_policy;

-- name: set_policy seq: segment_policy
update segment_policy set large_share = %(large_share)s, large_keep_share = %(large_keep_share)s,
    large_least_m3 = %(large_least_m3)s, large_most_share = %(large_most_share)s, least_days = %(least_days)s,
    special_categories = %(special_categories)s, vulnerable_needs = %(vulnerable_needs)s,
    vulnerable_needs_alone = %(vulnerable_needs_alone)s, version = version + 1, updated_by = %(actor)s
where version = %(version)s
returning version;

-- name: rules seq: segment_rule
select segment, sector, urgent, lift, visit_every_months, channel, version, updated_by
from segment_rule order by segment, sector;

-- name: rule
select urgent, lift from segment_rule where segment = %(segment)s and sector = %(sector)s;

-- name: set_rule
update segment_rule set urgent = %(urgent)s, lift = %(lift)s, visit_every_months = %(visit_every_months)s,
    channel = %(channel)s, version = version + 1, updated_by = %(actor)s
where segment = %(segment)s and sector = %(sector)s and version = coalesce(%(version)s, version)
returning version;

-- name: latest seq: segment_month
select month, segment, customers, unmanaged, volume_m3, made_at from segment_month
where month = (select max(month) from segment_month) order by segment;

-- name: changes
select h.month, h.account_no, c.name, c.sector, h.was, h.becomes, h.why, h.volume_m3, h.rank, h.customers,
    h.share_through, h.proposed_at, h.applied_at, h.applied_by, h.id
from segment_change h join customer c on c.account_no = h.account_no
where h.month = %(month)s and (h.account_no, h.id) > (%(after)s, %(after_id)s)
    and (%(becomes)s::text is null or h.becomes = %(becomes)s)
    and (%(applied)s::boolean is null or (h.applied_at is not null) = %(applied)s)
order by h.account_no, h.id limit %(limit)s;

-- name: unmanaged
select c.account_no, c.name, c.segment, c.sector, c.category, c.address, c.phone, d.code as dma, r.name as region,
    s.login as left_by, u.m3 as volume_m3
from customer c
left join staff s on s.id = c.manager_id
left join dma d on d.id = c.dma_id
left join region r on r.id = d.region_id
cross join lateral (select round(coalesce(sum(volume_l), 0)::numeric / 1000, 3)::float8 as m3 from customer_month m
    where m.account_no = c.account_no and m.month >= %(since)s and m.month < %(month)s) u
where c.segment <> 'general' and c.segment = any (%(segments)s) and (s.id is null or not s.active)
    and (u.m3, c.account_no) < (%(m3)s::float8, %(account_no)s)
order by u.m3 desc, c.account_no desc limit %(limit)s;
