-- A detector of that name is no more.
update known_problem set detectors = array_remove(detectors, 'steady_flow') where 'steady_flow' = any (detectors);

-- A bare name in there was that of the column.
create or replace function headwater_tickets_about(said text) returns setof bigint
    language sql stable rows 50 security definer set search_path = public, pg_temp as $$
    select id from ticket
    where subject <> '' and headwater_pairs(subject) @> headwater_pairs($1) and strpos(lower(subject), lower($1)) > 0
    order by id desc limit 5000
$$;
