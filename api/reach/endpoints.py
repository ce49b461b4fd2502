"""GET and PUT /v1/staff/{login}/reach."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.answers import answers
from api.auth import Caller, needs
from api.fields import Name
from api.reach.schemas import EXAMPLE, TRIALS, NewReach, Reach, Trial, TrialMessage, Trials, Way
from api.staff.rights import actor
from core.errors import NotFoundError
from service import reach, trial
from service.reach import Preferences, StaffChannel
from sql.pool import Connection

router = APIRouter(prefix="/v1/staff", tags=["staff"])
Reader = Annotated[Caller, needs("staff:read")]
Writer = Annotated[Caller, needs("staff:write")]
Login = Annotated[Name, Path()]


def _shown(conn: Connection, login: str) -> Reach:
    found = reach.preferences(conn, login)
    ways = [
        Way(
            channel=way.channel,
            address=reach.masked(way.channel, way.address),
            uses=way.uses,
            signed=way.signed,
        )
        for way in found.channels
    ]
    return Reach(
        login=login,
        email=found.email,
        channels=ways,
        quiet_from=found.quiet_from,
        quiet_until=found.quiet_until,
        digest_at=found.digest_at,
    )


@router.get("/{login}/reach", operation_id="getReach", responses=answers(EXAMPLE, 404))
def get_reach(caller: Reader, login: Login) -> Reach:
    """Return how a member of staff is reached, and when not."""
    with caller.transaction() as conn:
        _mine(caller, conn, login)
        return _shown(conn, login)


@router.put("/{login}/reach", operation_id="putReach", responses=answers(EXAMPLE, 404, 409, 413))
def put_reach(caller: Writer, login: Login, said: NewReach) -> Reach:
    """Say how a member of staff is reached; what stood before is replaced.

    Quiet hours need both ends. What is urgent comes at once, whatever is said here.
    """
    with caller.transaction() as conn:
        _mine(caller, conn, login)
        ways = [StaffChannel(w.channel, w.address, w.secret, w.uses) for w in said.channels]
        wanted = Preferences(None, ways, said.quiet_from, said.quiet_until, said.digest_at)
        reach.prefer(conn, login, wanted)
        return _shown(conn, login)


@router.post("/{login}/reach/test", operation_id="testReach", responses=answers(TRIALS, 404, 409, 413, 429))
def test_reach(caller: Writer, login: Login, said: Trial | None = None) -> Trials:
    """Send a test message by every channel on record, or those named; five an hour.

    It comes at once, quiet hours or not; GET /v1/messages/{id} has the receipt.
    """
    with caller.transaction() as conn:
        _mine(caller, conn, login)
        channels = said.channels if said else None
        sent = trial.send(conn, login, channels, actor=actor(caller), at=caller.now())
    shown = [
        TrialMessage(
            id=one.id, channel=one.way.channel, address=reach.masked(one.way.channel, one.way.recipient)
        )
        for one in sent
    ]
    return Trials(items=shown)


def _mine(caller: Caller, conn: Connection, login: str) -> None:
    """A manager sees and sets the own way only: another's is answered like what isn't there."""
    if not caller.key.sees_all and caller.key.login != login:
        raise NotFoundError(f"There is no member of staff {login!r}.")
