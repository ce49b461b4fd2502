"""Warn before a deadline, urge at it, escalate past it: for every open ticket, as time goes by.

A ticket says when it has to be looked at next (`look_at`); whatever changes its clock says: at once. A look
tells what applies by now, once a deadline and stage, and sets the next one. What was missed while nobody
looked is not told any more when something more serious applies.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import psycopg
import structlog
from psycopg.types.json import Jsonb

from core.errors import HeadwaterError
from service import calendars, sla
from service.facts import ClockFacts
from service.findings import Desk
from service.messages import Step, Telling, tell_all
from service.sla import Policy
from service.superiors import Superiors
from service.worktime import Calendar
from sql.pool import Connection
from sql.query import Queries

Q = Queries("deadlines")
log = structlog.get_logger(__name__)
WARNED, URGED, ESCALATED = 1, 2, 3
"""Stages of a deadline; from ESCALATED on each is a level further up."""
LAST = ESCALATED + 2
LATER = timedelta(minutes=10)
"""When a ticket is tried again that could not be looked at."""
Deadline = Literal["response", "resolution"]
_ENDS: dict[Deadline, str] = {"response": "the first response", "resolution": "the resolution"}


@dataclass(frozen=True)
class Swept:
    """How many tickets were looked at, and what was told how often; `more` if there may be more to do."""

    looked: int = 0
    warned: int = 0
    urged: int = 0
    escalated: int = 0
    failed: int = 0
    more: bool = False

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            self.looked + other.looked,
            self.warned + other.warned,
            self.urged + other.urged,
            self.escalated + other.escalated,
            self.failed + other.failed,
            other.more,
        )

    def __str__(self) -> str:
        told = (
            f"{self.looked} looked at, {self.warned} warned, {self.urged} urged, {self.escalated} escalated"
        )
        return f"{told}, {self.failed} failed" if self.failed else told


@dataclass(frozen=True)
class _Clock:
    """A ticket as the sweep sees it; the stages are what was told last of each deadline."""

    id: int
    sla: str
    assignee_id: int | None
    unanswered: bool
    response_due: datetime
    resolution_due: datetime
    response: int
    resolution: int
    look_at: datetime | None = None


@dataclass(frozen=True)
class _Act:
    """What is to be told of a deadline; `to` is who it is escalated to, and `why` to them."""

    ticket_id: int
    deadline: Deadline
    due: datetime
    stage: int
    before: int
    to: int | None = None
    why: str = ""

    @property
    def kind(self) -> str:
        return {WARNED: "warned", URGED: "urged"}.get(self.stage, "escalated")

    @property
    def level(self) -> int:
        return max(0, self.stage - URGED)


def sweep(conn: Connection, *, at: datetime, desk: Desk, limit: int = 5000) -> Swept:
    """Look at up to `limit` tickets that are due for it; call again while there are `more`.

    Tickets that somebody else holds at the moment are left for the next time: any number may sweep at once.
    One that can't be told of is noted in the log, left alone for ten minutes, and keeps nobody else waiting.
    """
    clocks = [_Clock(*row) for row in conn.execute(Q["due_clocks"], {"at": at, "most": limit})]
    if not clocks:
        return Swept()
    look = _Look(conn, at, desk)
    try:
        with conn.transaction():
            swept = look.at_all(clocks)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("deadlines are looked at one by one")
        swept = Swept()
        for clock in clocks:
            swept += look.at_one(clock)
    return replace(swept, more=len(clocks) == limit)


class _Look:
    """One sweep: its policies, calendars and people are asked for once."""

    def __init__(self, conn: Connection, at: datetime, desk: Desk) -> None:
        self._conn = conn
        self._at = at
        self._desk = desk
        self._policies = sla.policies(conn)
        self._calendars: dict[str, Calendar] = {}
        self._superiors: Superiors | None = None

    def at_one(self, clock: _Clock) -> Swept:
        try:
            with self._conn.transaction():
                return self.at_all([clock])
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("a deadline could not be looked at", ticket_id=clock.id)
            self._save([replace(clock, look_at=self._at + LATER)])
            return Swept(looked=1, failed=1)

    def at_all(self, clocks: Sequence[_Clock]) -> Swept:
        looked: list[_Clock] = []
        acts: list[_Act] = []
        failed = 0
        for clock in clocks:
            try:
                after, due = self._one(clock)
            except HeadwaterError as problem:
                log.error("a deadline could not be computed", ticket_id=clock.id, problem=str(problem))
                failed += 1
                after, due = replace(clock, look_at=self._at + LATER), []
            looked.append(after)
            acts += due
        self._enter(acts)
        tell_all(self._conn, list(_tellings(looked, acts)), webhooks=self._desk.webhooks, at=self._at)
        self._save(looked)
        told = Counter(act.kind for act in acts)
        return Swept(len(clocks), told["warned"], told["urged"], told["escalated"], failed)

    def _one(self, clock: _Clock) -> tuple[_Clock, list[_Act]]:
        """Return the ticket as it stands after the look, and what is to be told."""
        policy = self._policies[clock.sla]
        calendar = self._calendar(policy)
        acts: list[_Act] = []
        stages: dict[Deadline, int] = {"response": clock.response, "resolution": clock.resolution}
        looks: list[datetime] = []
        ends: dict[Deadline, tuple[datetime, int]] = {
            "response": (clock.response_due, policy.response_warn_s),
            "resolution": (clock.resolution_due, policy.resolution_warn_s),
        }
        for deadline, (due, warn_s) in ends.items():
            if deadline == "response" and not clock.unanswered:
                continue
            before = stage = stages[deadline]
            while stage < LAST and _when(calendar, policy, due, warn_s, stage + 1) <= self._at:
                stage += 1
            if stage > before:
                act = _Act(clock.id, deadline, due, stage, before)
                stage, told = self._addressed(act, clock)
                acts += told
            stages[deadline] = stage
            if stage < LAST:
                looks.append(_when(calendar, policy, due, warn_s, stage + 1))
        response, resolution = stages["response"], stages["resolution"]
        look_at = min(looks, default=None)
        return replace(clock, response=response, resolution=resolution, look_at=look_at), acts

    def _addressed(self, act: _Act, clock: _Clock) -> tuple[int, list[_Act]]:
        """Return the stage that is reached, and the act with who it is told to, if there is somebody left."""
        if act.level == 0:
            return act.stage, [act]
        if self._superiors is None:
            self._superiors = Superiors(self._conn, self._at)
        found = self._superiors.at_level(clock.assignee_id, act.level, above=max(0, act.before - URGED))
        if found is None:
            return LAST, []
        return act.stage, [replace(act, to=found.staff_id, why=found.why)]

    def _calendar(self, policy: Policy) -> Calendar:
        if policy.calendar not in self._calendars:
            self._calendars[policy.calendar] = calendars.load(self._conn, policy.calendar)
        return self._calendars[policy.calendar]

    def _enter(self, acts: Sequence[_Act]) -> None:
        rows = [
            {
                "ticket_id": act.ticket_id,
                "kind": act.kind,
                "why": _why(act),
                "detail": {"deadline": act.deadline, "due": act.due}
                | ({"level": act.level, "to": act.to} if act.level else {}),
            }
            for act in acts
        ]
        self._conn.execute(Q["enter_acts"], {"acts": Jsonb(rows, msgspec.json.encode), "at": self._at})

    def _save(self, clocks: Sequence[_Clock]) -> None:
        self._conn.execute(Q["set_clocks"], {"clocks": Jsonb(clocks, msgspec.json.encode)})


def _when(calendar: Calendar, policy: Policy, due: datetime, warn_s: int, stage: int) -> datetime:
    """Return from when on a stage of a deadline applies."""
    if stage == WARNED:
        return calendar.before(due, warn_s)
    return calendar.due(due, (stage - URGED) * policy.escalate_s)


def _why(act: _Act) -> str:
    verb = "is" if act.stage == WARNED else "was"
    said = f"{_ENDS[act.deadline]} {verb} due {act.due:%Y-%m-%d %H:%M} UTC"
    return f"{said}; {act.why}" if act.why else said


def _tellings(clocks: Sequence[_Clock], acts: Sequence[_Act]) -> Iterator[Telling]:
    """Yield what is written: of what is told to one person of one ticket at once, the most serious."""
    assignees: Mapping[int, int | None] = {clock.id: clock.assignee_id for clock in clocks}
    chosen: dict[tuple[int, int | None], _Act] = {}
    for act in acts:
        whom = act.ticket_id, act.to or assignees[act.ticket_id]
        if act.level and act.to is None:
            continue  # nobody is left to tell: the entry says so
        if whom not in chosen or act.stage >= chosen[whom].stage:
            chosen[whom] = act
    for act in chosen.values():
        about = ClockFacts(act.deadline, act.due, act.level)
        key = f"{act.kind}{act.level or ''}:{act.deadline}:{act.due:%Y%m%dT%H%M%S}"
        yield Telling(act.ticket_id, Step(act.kind, key, clock=about), act.to)
