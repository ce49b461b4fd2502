"""PUT /v1/balances: what billing says of customers, for them to read in the app."""

from typing import Annotated

from fastapi import APIRouter

from api.answers import answers
from api.auth import Caller, needs
from api.me.schemas import TAKEN, Balances, BalancesTaken
from service import balances
from service.balances import Balance

router = APIRouter(prefix="/v1/balances", tags=["customers"])


@router.put("", operation_id="putBalances", responses=answers(TAKEN, 409, 413))
def put_balances(caller: Annotated[Caller, needs("customers:write")], given: Balances) -> BalancesTaken:
    """Take customers' balances from billing; one that is older than what stands is left."""
    lines = [Balance(line.account_no, line.balance, line.as_of) for line in given.items]
    with caller.transaction() as conn:
        taken = balances.put(conn, lines, by=caller.actor, at=caller.now())
    return BalancesTaken(taken=taken.changed + taken.same, older=taken.older, unknown=taken.unknown)
