"""Segments: large, special, vulnerable or general, by share of volume and by what a customer is.

The rule proposes, a run or a person applies; each change is a version of the customer with its numbers. A
person's word stands until it is handed back to the rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from core.errors import BadDataError, StaleError
from core.words import Sector, Segment
from service import profiles
from service.utility import utility
from service.volumes import first_of, step
from sql.pool import Connection
from sql.query import Queries

Q = Queries("segments")
RULE, IMPORT = "rule", "import"
MONTHS = 12


@dataclass(frozen=True)
class Moved:
    """How many customers go from one segment to another."""

    was: str
    becomes: str
    customers: int


@dataclass(frozen=True)
class Proposal:
    """What the rule makes of the 12 whole months before `month`."""

    month: date
    moved: list[Moved]

    @property
    def customers(self) -> int:
        """How many customers change."""
        return sum(move.customers for move in self.moved)


@dataclass(frozen=True)
class Policy:
    """Who is large, special or vulnerable; what the columns mean: `segment_policy` in the database."""

    large_share: float
    large_keep_share: float
    large_least_m3: float
    large_most_share: float
    least_days: int
    special_categories: list[str]
    vulnerable_needs: list[str]
    vulnerable_needs_alone: list[str]
    version: int
    updated_by: str


@dataclass(frozen=True)
class Rule:
    """What follows from a segment in a sector: priority, visits and channel; see `segment_rule`."""

    segment: Segment
    sector: Sector
    urgent: bool
    lift: int
    visit_every_months: int | None
    channel: str
    version: int
    updated_by: str


def month_of(conn: Connection, at: datetime) -> date:
    """Return the month whose 12 forerunners count at `at`."""
    return first_of(at, utility(conn).zone)


def since(month: date) -> date:
    """Return the first of the months that count for `month`."""
    return step(month, -MONTHS)


def propose(conn: Connection, *, at: datetime) -> Proposal:
    """Work out who would change and why; it takes the place of what was proposed before and not applied."""
    month = month_of(conn, at)
    conn.execute(Q["withdraw"])
    conn.execute(Q["propose"], {"month": month, "since": since(month), "at": at})
    return Proposal(month, _moved(conn, month, applied=False))


def apply(conn: Connection, *, by: str, at: datetime) -> Proposal:
    """Apply what is proposed for the running month, and sum up the segments; return what was changed now.

    A customer of whom a person has decided since is left as that person said.
    """
    month = month_of(conn, at)
    proposed = _moved(conn, month, applied=True)
    conn.execute(Q["apply"], {"month": month, "by": by, "at": at})
    conn.execute(Q["forget_sums"], {"month": month})
    conn.execute(Q["sum_up"], {"month": month, "since": since(month), "at": at})
    before = {(move.was, move.becomes): move.customers for move in proposed}
    after = _moved(conn, month, applied=True)
    new = [replace(m, customers=m.customers - before.get((m.was, m.becomes), 0)) for m in after]
    return Proposal(month, [move for move in new if move.customers])


def say(
    conn: Connection,
    account_no: str,
    segment: Segment | None,
    *,
    actor: str,
    why: str,
    at: datetime,
    version: int | None = None,
) -> int:
    """Take a person's word on a customer's segment, or with None hand it back; return the new version.

    What was handed back is judged by the next proposal.
    """
    if actor in {RULE, IMPORT}:
        raise BadDataError(f"{actor!r} is not a person.", cure="Say who decided.")
    changes = {"segment_by": RULE} if segment is None else {"segment": str(segment), "segment_by": actor}
    return profiles.change(conn, account_no, changes, actor=actor, why=why, at=at, version=version)


def policy(conn: Connection) -> Policy:
    """Return the policy."""
    return Policy(*conn.execute(Q["policy"]).fetchall()[0])


def set_policy(
    conn: Connection, changes: Mapping[str, Any], *, actor: str, version: int | None = None
) -> Policy:
    """Change the policy; ConflictError where another change has come since `version`."""
    new = replace(policy(conn), **changes)
    if new.large_keep_share < new.large_share:
        raise BadDataError(
            f"large_keep_share is {new.large_keep_share:g}, less than large_share, {new.large_share:g}.",
            cure="Set large_keep_share to large_share or more.",
        )
    given = vars(new) | {"actor": actor, "version": new.version if version is None else version}
    if conn.execute(Q["set_policy"], given).fetchone() is None:
        now = policy(conn)
        raise StaleError(
            f"The policy is at version {now.version}, not {version}: {now.updated_by} changed it.",
            cure="Read it again.",
        )
    return policy(conn)


def rules(conn: Connection) -> list[Rule]:
    """Return what follows from each segment in each sector."""
    return [Rule(Segment(row[0]), Sector(row[1]), *row[2:]) for row in conn.execute(Q["rules"])]


def set_rule(
    conn: Connection,
    segment: Segment,
    sector: Sector,
    changes: Mapping[str, Any],
    *,
    actor: str,
    version: int | None = None,
) -> Rule:
    """Change what follows from a segment; ConflictError where another change has come since `version`."""
    (now,) = (rule for rule in rules(conn) if (rule.segment, rule.sector) == (segment, sector))
    given = vars(replace(now, **changes)) | {"actor": actor, "version": version}
    if conn.execute(Q["set_rule"], given).fetchone() is None:
        raise StaleError(
            f"The rule for {segment} {sector} is at version {now.version}, not {version}: "
            f"{now.updated_by} changed it.",
            cure="Read it again.",
        )
    (new,) = (rule for rule in rules(conn) if (rule.segment, rule.sector) == (segment, sector))
    return new


def _moved(conn: Connection, month: date, *, applied: bool) -> list[Moved]:
    rows = conn.execute(Q["summary"], {"month": month, "applied": applied}).fetchall()
    return [Moved(*row) for row in rows]
