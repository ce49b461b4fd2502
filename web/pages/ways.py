"""How somebody is reached: one's own ways on the account page, anybody's on their page in the settings."""

from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Response

from api.reach.endpoints import get_reach, list_trials, require_own, test_reach
from core.errors import BadDataError
from core.settings import Settings
from service import reach
from service.reach import CHANNELS, StaffChannel
from web.route import PageRoute
from web.view import Fields, View, sees

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True)
class Whose:
    """Whose ways a form is about, and the page that it stands on."""

    view: View
    login: str
    page: str

    def back(self, said: str) -> Response:
        """Return to the page, which says what was done."""
        return self.view.go(f"{self.page}#ways", said)


def _whose(view: Annotated[View, sees("staff:write")]) -> Whose:
    login = view.request.path_params.get("login")
    if login is None:
        return Whose(view, view.me.login, "/account")
    require_own(view.caller, login)
    return Whose(view, login, f"/settings/staff/{login}")


Someone = Annotated[Whose, Depends(_whose)]


def shown(view: View, login: str) -> dict[str, Any]:
    """Return what the part of a page about somebody's ways is filled with."""
    tried = list_trials(view.caller, login).items
    return {"reached": get_reach(view.caller, login), "tried": tried, "channels": CHANNELS}


@router.post("/account/ways")
@router.post("/settings/staff/{login}/ways")
def add_way(whose: Someone, form: Fields) -> Response:
    """Add a way to be reached."""
    channel, uses = form.get("channel", ""), form.get("uses", "all")
    if channel not in CHANNELS or uses not in ("all", "urgent"):
        raise BadDataError("There is no such channel.")
    way = StaffChannel(channel, form.get("address", "").strip()[:200], form.get("secret", "")[:400], uses)
    settings: Settings = whose.view.request.app.state.settings
    with whose.view.caller.transaction() as conn:
        reach.add_way(conn, whose.login, way, private_too=settings.webhook_private)
    return whose.back(whose.view.say("Added. Send a test message to see whether it arrives."))


@router.post("/account/ways/{number}/remove")
@router.post("/settings/staff/{login}/ways/{number}/remove")
def remove_way(whose: Someone, number: int, shown: Annotated[str, Form()] = "") -> Response:
    """Remove a way; the masked address says which was meant."""
    with whose.view.caller.transaction() as conn:
        ways = reach.preferences(conn, whose.login).channels
        if not 0 <= number < len(ways) or reach.masked(ways[number].channel, ways[number].address) != shown:
            raise BadDataError("The ways have changed meanwhile.", cure="Load the page again.")
        reach.drop_way(conn, whose.login, ways[number].channel, ways[number].address)
    return whose.back(whose.view.say("Removed."))


@router.post("/account/times")
@router.post("/settings/staff/{login}/times")
def set_times(whose: Someone, form: Fields) -> Response:
    """Set quiet hours and the hour of the digest."""
    hours = [_hour(form.get(name, "")) for name in ("quiet_from", "quiet_until", "digest_at")]
    with whose.view.caller.transaction() as conn:
        reach.set_times(conn, whose.login, *hours)
    return whose.back(whose.view.say("Saved."))


@router.post("/account/test")
@router.post("/settings/staff/{login}/test")
def test(whose: Someone) -> Response:
    """Send a test message by every way."""
    sent = test_reach(whose.view.caller, whose.login).items
    ways = ", ".join(one.address for one in sent)
    return whose.back(whose.view.say("Test messages are on their way: %(ways)s") % {"ways": ways})


def _hour(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text.strip() else None
    except ValueError:
        raise BadDataError(f"{text[:20]!r} is no time of day.", cure="Write it as 22:00.") from None
