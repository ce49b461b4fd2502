-- name: put_weather
insert into weather as w (ts, rain_mm, air_c, humidity_pct, wind_kmh, issued_at)
values (%(ts)s, %(rain_mm)s, %(air_c)s, %(humidity_pct)s, %(wind_kmh)s, %(issued_at)s)
on conflict (ts) do update set rain_mm = excluded.rain_mm, air_c = excluded.air_c,
    humidity_pct = excluded.humidity_pct, wind_kmh = excluded.wind_kmh, issued_at = excluded.issued_at
where excluded.issued_at is null or excluded.issued_at >= w.issued_at;

-- name: air_ahead
select ts, air_c from weather where ts > %(at)s and ts <= %(until)s and air_c is not null order by ts;
