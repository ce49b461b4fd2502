"""What the job runner counts."""

from prometheus_client import Counter

RUNS = Counter("headwater_jobs_runs", "Runs of periodic jobs, by job and result", ["job", "result"])
