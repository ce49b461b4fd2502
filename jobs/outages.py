"""What the clock does to outages."""

from datetime import timedelta

from jobs.job import Run
from service import outage_watch


def watch_outages(run: Run) -> str:
    """Begin planned work at its hour, remind of it, and ask for news of promises that pass."""
    remind = timedelta(hours=run.settings.outage_reminder_h)
    return str(outage_watch.watch(run.conn, at=run.now, remind=remind))
