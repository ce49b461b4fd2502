-- name: claim_run
insert into job_run (job, due_at, worker) values (%(job)s, %(due_at)s, %(worker)s)
on conflict (job, due_at) do nothing
returning job;

-- name: finish_run
update job_run set finished_at = now(), ok = %(ok)s, detail = %(detail)s
where job = %(job)s and due_at = %(due_at)s;

-- name: drop_old_chunks
select count(*) from drop_chunks(%(table)s::regclass, older_than => %(before)s::timestamptz);

-- name: forget_arrivals
with gone as (delete from arrival where at < %(before)s returning 1) select count(*) from gone;

-- name: forget_runs
with gone as (delete from job_run where started_at < %(before)s returning 1) select count(*) from gone;

-- name: forget_sessions
with gone as (delete from session where expires_at < %(before)s returning 1) select count(*) from gone;

-- name: policies seq: detector_policy
select id, detector, scope, scope_key, params, enabled, nullif(valid_from, '-infinity'),
    nullif(valid_until, 'infinity'), exemption, why, created_by, ended_by
from detector_policy
where %(at)s::timestamptz is null or (valid_from <= %(at)s and valid_until > %(at)s)
order by id;
