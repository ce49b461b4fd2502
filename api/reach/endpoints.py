"""GET and PUT /v1/staff/{login}/reach, and test messages."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.answers import answers
from api.auth import Caller, needs
from api.fields import Name
from api.reach.schemas import EXAMPLE, TRIALS, NewReach, Reach, Trial, TrialMessage, Trials, Way
from api.rows import rows
from api.staff.rights import actor
from core.errors import NotFoundError
from core.settings import Settings
from service import reach, trial
from service.reach import Preferences, StaffChannel
from sql.pool import Connection

router = APIRouter(prefix="/v1/staff", tags=["staff"])
Reader = Annotated[Caller, needs("staff:read")]
Writer = Annotated[Caller, needs("staff:write")]
Login = Annotated[Name, Path()]
SHOWN = reach.MOST_WAYS + 2


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
        require_own(caller, login)
        return _shown(conn, login)


@router.put("/{login}/reach", operation_id="putReach", responses=answers(EXAMPLE, 404, 409, 413))
def put_reach(caller: Writer, login: Login, said: NewReach, request: Request) -> Reach:
    """Say how a member of staff is reached; what stood before is replaced.

    Quiet hours need both ends. What is urgent comes at once, whatever is said here. Addresses that are
    posted to are https, and none of a private network.
    """
    with caller.transaction() as conn:
        require_own(caller, login)
        ways = [StaffChannel(w.channel, w.address, w.secret, w.uses) for w in said.channels]
        wanted = Preferences(None, ways, said.quiet_from, said.quiet_until, said.digest_at)
        settings: Settings = request.app.state.settings
        reach.prefer(conn, login, wanted, private_too=settings.webhook_private)
        return _shown(conn, login)


@router.post("/{login}/reach/test", operation_id="testReach", responses=answers(TRIALS, 404, 409, 413, 429))
def test_reach(caller: Writer, login: Login, said: Trial | None = None) -> Trials:
    """Send a test message by every channel on record, or those named; five an hour.

    It comes at once, quiet hours or not; asked again by GET, it says whether it arrived.
    """
    with caller.transaction() as conn:
        require_own(caller, login)
        channels = said.channels if said else None
        written = trial.send(conn, login, channels, actor=actor(caller), at=caller.now())
        sent = {one.id for one in written}
        return Trials(items=[one for one in _tried(conn, login) if one.id in sent])


@router.get("/{login}/reach/test", operation_id="listTrials", responses=answers(TRIALS, 404))
def list_trials(caller: Reader, login: Login) -> Trials:
    """Return the latest test messages to a member of staff, and what has become of each."""
    with caller.transaction() as conn:
        require_own(caller, login)
        return Trials(items=_tried(conn, login))


def require_own(caller: Caller, login: str) -> None:
    """A manager sees and sets the own way only: another's is answered like what isn't there."""
    if not caller.key.sees_all and caller.key.login != login:
        raise NotFoundError(f"There is no member of staff {login!r}.")


def _tried(conn: Connection, login: str) -> list[TrialMessage]:
    found = rows(conn, "reach.tried", staff_id=reach.staff_id_of(conn, login), most=SHOWN)
    return [TrialMessage(**row | {"address": reach.masked(row["channel"], row["address"])}) for row in found]
