-- name: shifts_of
select shifts from customer where account_no = %(account_no)s;

-- name: hours_of
select u.slot, sum(u.volume_l)
from service_point p
join meter_installation i on i.service_point_id = p.id
join meter m on m.id = i.meter_id and m.kind = 'customer'
cross join lateral (
    select h.slot, h.volume_l from usage_hourly h
    where h.meter_id = i.meter_id and h.slot >= %(since)s and h.slot < %(until)s
        and h.slot >= i.installed_at and h.slot < i.removed_at) u
where p.account_no = %(account_no)s
group by u.slot order by u.slot;
