"""PUT /v1/balances: what billing says of customers, for them to read in the app."""

from typing import Annotated

from fastapi import APIRouter
from psycopg.types.json import Jsonb

from api.answers import answers
from api.auth import Caller, needs
from api.me.schemas import TAKEN, Balances, BalancesTaken
from api.rows import rows
from core.errors import BadDataError
from sql.query import Queries

Q = Queries("me")
router = APIRouter(prefix="/v1/balances", tags=["customers"])


@router.put("", operation_id="putBalances", responses=answers(TAKEN, 409, 413))
def put_balances(caller: Annotated[Caller, needs("customers:write")], given: Balances) -> BalancesTaken:
    """Take customers' balances from billing; one that is older than what stands is left."""
    accounts = [line.account_no for line in given.items]
    if len(set(accounts)) < len(accounts):
        raise BadDataError("An account stands twice.", cure="Send one balance for each.")
    lines = Jsonb([line.model_dump(mode="json") for line in given.items])
    with caller.transaction() as conn:
        unknown = [row["a"] for row in rows(conn, "me.accounts_unknown", accounts=accounts)]
        taken = conn.execute(
            Q["put_balances"], {"rows": lines, "at": caller.now(), "by": caller.actor}
        ).rowcount
    return BalancesTaken(taken=taken, older=len(accounts) - len(unknown) - taken, unknown=unknown)
