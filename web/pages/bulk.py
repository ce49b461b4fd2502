"""One deed on many tickets: taken on, handed over, put off; what could not be done is said, and why."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api.crews import endpoints as hands
from api.staff.schemas import Assign
from api.tickets import steps
from api.tickets.bodies import Reason, Remark, Snooze
from core.errors import BadDataError, ConflictError, HeadwaterError, NotFoundError, StaleError
from service import staff
from service.snoozes import CantWaitError
from web.pages.login import local
from web.route import PageRoute
from web.tongue import tongue
from web.view import View, sees, taken

router = APIRouter(prefix="/tickets/bulk", include_in_schema=False, route_class=PageRoute)
Writer = Annotated[View, sees("tickets:write")]
MOST, NAMED = 100, 20
MORNING = time(8)


@dataclass(frozen=True)
class Chosen:
    """A ticket as it was ticked, with the version that was seen."""

    id: int
    version: int


async def _form(request: Request) -> dict[str, list[str]]:
    async with request.form(max_files=0) as form:
        return {name: [str(value) for value in form.getlist(name)] for name in form}


Form = Annotated[dict[str, list[str]], Depends(_form)]


@router.post("")
def act(view: Writer, form: Form) -> Response:
    """Do what the button says with every ticket that is ticked."""
    back = local(_one(form, "back") or "/tickets")
    tickets = chosen(form.get("ticket", []))
    deed = _one(form, "deed") or ("assign" if _one(form, "to") else "snooze:day" if _one(form, "day") else "")
    if not tickets or not deed:
        return view.go(back, view.say("Tick the tickets first."), tone="warn")
    kind, _, when = deed.partition(":")
    if kind == "acknowledge":
        do: Callable[[Chosen], object] = lambda one: steps.acknowledge(view.caller, one.id, Remark())  # noqa: E731
    elif kind == "assign":
        given = taken(Assign, {"to": _one(form, "to"), "note": _one(form, "note")})
        with view.caller.transaction() as conn:
            staff.id_of(conn, given.to)
        do = lambda one: hands.assign(  # noqa: E731
            view.caller, one.id, given.model_copy(update={"version": one.version})
        )
    elif kind == "snooze":
        until = taken(Snooze, {"until": until_when(view, when, _one(form, "day")).isoformat()})
        do = lambda one: steps.snooze(view.caller, one.id, until)  # noqa: E731
    elif kind == "wake":
        do = lambda one: steps.wake(view.caller, one.id)  # noqa: E731
    else:
        raise NotFoundError(f"There is no deed {deed!r}.")
    done, refused = each(tickets, do)
    return _said(view, back, kind, done, refused)


@router.post("/undo")
def undo(
    view: Writer,
    deed: str,
    ids: Annotated[str, Query(max_length=4000)],
    back: Annotated[str, Query(max_length=2000)] = "/",
) -> Response:
    """Take back what was just done to many; a ticket that somebody changed since stays as it is."""

    def do(one: Chosen) -> object:
        if deed == "snooze":
            return steps.wake(view.caller, one.id)
        if deed == "assign":
            said = Remark(why=view.say("Handed over by mistake."), version=one.version)
            return hands.take_back(view.caller, one.id, said)
        why = Reason(why=view.say("Taken on by mistake."), version=one.version)
        return steps.undo(view.caller, one.id, why)

    done, refused = each(chosen(ids.split(",")), do)
    return _said(view, local(back), "undo", done, refused)


def chosen(values: Iterable[str]) -> list[Chosen]:
    """Return the tickets that values such as `17.3` stand for: id and version."""
    found = []
    for value in values:
        id_, _, version = value.partition(".")
        if not (id_.isdecimal() and version.isdecimal() and len(value) < 40):
            raise BadDataError("That is no list of tickets.")
        found.append(Chosen(int(id_), int(version)))
    if len(found) > MOST:
        raise BadDataError(f"Up to {MOST} tickets at a time.")
    return found


def each(
    tickets: Sequence[Chosen], do: Callable[[Chosen], object]
) -> tuple[list[Chosen], dict[str, list[int]]]:
    """Do it one by one: return what was done, and the ids of the rest by reason."""
    done, refused = [], defaultdict(list)
    for one in tickets:
        try:
            answer = do(one)
        except HeadwaterError as error:
            if error.status >= 500:
                raise
            refused[_reason(error)].append(one.id)
        else:
            done.append(Chosen(one.id, getattr(answer, "version", one.version)))
    return done, refused


def until_when(view: View, when: str, day: str) -> datetime:
    """Return the time that is meant: in an hour, or eight in the morning of a day of the utility."""
    here = view.now.astimezone(view.utility.zone)
    if when == "hour":
        return view.now + timedelta(hours=1)
    days = {"tomorrow": 1, "monday": 7 - here.weekday()}
    try:
        on = here.date() + timedelta(days=days[when]) if when in days else date.fromisoformat(day)
    except ValueError:
        raise BadDataError("Say until which day.") from None
    return datetime.combine(on, MORNING, view.utility.zone)


def _one(form: dict[str, list[str]], name: str) -> str:
    return next((value.strip() for value in form.get(name, []) if value.strip()), "")


def _(source: str) -> str:
    return source


def _reason(error: HeadwaterError) -> str:
    match error:
        case CantWaitError():
            return _("urgent or overdue: it can't wait")
        case StaleError():
            return _("somebody changed it meanwhile")
        case ConflictError():
            return _("not as things stand now")
        case NotFoundError():
            return _("not there, or not yours")
        case _:
            return _("somebody has it: that needs a note")


def _said(view: View, back: str, kind: str, done: list[Chosen], refused: dict[str, list[int]]) -> Response:
    words, n = tongue(view.language), len(done)
    did = {
        "acknowledge": words.count("One ticket is taken on.", "{n} tickets are taken on.", n),
        "assign": words.count("One ticket is handed over.", "{n} tickets are handed over.", n),
        "snooze": words.count("One ticket is put off.", "{n} tickets are put off.", n),
        "wake": words.count("One ticket is back on your list.", "{n} tickets are back on your list.", n),
        "undo": words.count("Taken back on one ticket.", "Taken back on {n} tickets.", n),
    }
    parts = [did[kind].format(n=n)] if done else []
    for reason, ids in refused.items():
        which = ", ".join(f"#{id_}" for id_ in ids[:NAMED]) + (" …" if len(ids) > NAMED else "")
        parts.append(view.say("Not done: {which} ({why}).").format(which=which, why=view.say(reason)))
    back_too = done and kind in {"acknowledge", "assign", "snooze"}
    pairs = ",".join(f"{one.id}.{one.version}" for one in done)
    undo = f"/tickets/bulk/undo?deed={kind}&ids={pairs}" if back_too else ""
    return view.go(back, " ".join(parts), undo=undo, tone="warn" if refused else "good")
