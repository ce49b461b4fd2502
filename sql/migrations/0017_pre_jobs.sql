-- What is periodic, as it is told to those who look from outside; runs that were tried more than once.

create table job (
    name text primary key,
    about text not null,
    cron text not null,
    zone text not null,
    next_due_at timestamptz,
    seen_at timestamptz not null
);
comment on column job.seen_at is 'when a job runner last told of it: long ago means that none is there';
alter table job_run add column attempts int not null default 1;
-- A run that is under way, or failed and may be tried again: few rows, looked for all the time.
-- squawk-ignore require-concurrent-index-creation
create index job_run_unfinished_idx on job_run (job, due_at) where ok is not true;
grant select on job to headwater_api;
