"""POST /v1/staff/{login}/password-link."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from api.answers import answers
from api.auth import Caller, needs
from api.fields import Name
from api.staff.rights import actor, require_admin
from api.staff.schemas import LINK, PasswordLink
from core.errors import ForbiddenError
from core.settings import Settings
from service import invitations, staff

router = APIRouter(prefix="/v1/staff", tags=["staff"])
Writer = Annotated[Caller, needs("staff:write")]


@router.post(
    "/{login}/password-link", operation_id="makePasswordLink", responses=answers(LINK, 404, 409, 413)
)
def make_password_link(
    caller: Writer, login: Annotated[Name, Path(description="Login.")], request: Request
) -> PasswordLink:
    """Make the link by which somebody sets a password, for administrators; shown this once, and mailed.

    It is good once, for 24 hours; one made before is void. 403 where passwords are switched off.
    """
    require_admin(caller)
    settings: Settings = request.app.state.settings
    if not settings.takes_passwords:
        raise ForbiddenError("Passwords are switched off here.", cure="The provider keeps them.")
    with caller.transaction() as conn:
        made = invitations.invite(conn, staff.id_of(conn, login), actor=actor(caller), at=caller.now())
    url = f"{settings.public_url.rstrip('/')}/password/{made.token}"
    return PasswordLink(login=login, url=url, until=made.until, mailed_to=made.mailed_to)
