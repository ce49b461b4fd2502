"""What a periodic piece of work is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.settings import Settings
from sql.pool import Connection


@dataclass(frozen=True)
class Run:
    """One run of a job: `due` names it, `now` is when it really runs, which is later after a downtime."""

    conn: Connection
    settings: Settings
    due: datetime
    now: datetime


@dataclass(frozen=True)
class Job:
    """A periodic piece of work, which returns one line for the ledger.

    It is one transaction; with `steps` it makes its own on a connection in autocommit, and goes on where it
    was when it is run again. `cron` is in UTC, with `local` in the utility's zone. Of the runs missed in a
    downtime the latest is made up for, with `each` every one.
    """

    name: str
    cron: str
    work: Callable[[Run], str]
    about: str
    local: bool = False
    steps: bool = False
    each: bool = False
