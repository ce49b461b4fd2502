"""The deadlines of all open tickets, looked at each minute."""

from jobs.job import Run
from service.findings import Desk
from service.sweep import Swept, sweep


def deadlines(run: Run) -> str:
    """Warn, urge and escalate what is due by now, in steps that stand for themselves."""
    desk = Desk([run.settings.webhook_url] if run.settings.webhook_url else [])
    total = Swept(more=True)
    while total.more:
        with run.conn.transaction():
            total += sweep(run.conn, at=run.now, desk=desk)
    return str(total)
