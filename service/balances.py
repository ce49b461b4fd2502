"""What billing says of customers' accounts; they read it in the utility's app."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from psycopg.types.json import Jsonb

from core.errors import BadDataError
from sql.pool import Connection
from sql.query import Queries

Q = Queries("balances")


@dataclass(frozen=True)
class Balance:
    """One account's balance on a day, in the utility's currency; negative where the customer owes it."""

    account_no: str
    balance: float
    as_of: date


@dataclass(frozen=True)
class Taken:
    """How many were new or changed, how many stood already, and how many were older than what stands."""

    changed: int
    same: int
    older: int
    unknown: list[str]


def put(conn: Connection, given: Sequence[Balance], *, by: str, at: datetime) -> Taken:
    """Write balances; one that is older than what stands is left, and so is an account that isn't there.

    BadDataError where an account stands twice.
    """
    accounts = [one.account_no for one in given]
    if len(set(accounts)) < len(accounts):
        raise BadDataError("An account stands twice.", cure="Send one balance for each.")
    lines = Jsonb([asdict(one) | {"as_of": one.as_of.isoformat()} for one in given])
    unknown = [str(account) for (account,) in conn.execute(Q["unknown"], {"accounts": accounts})]
    ((changed, older),) = conn.execute(Q["put"], {"rows": lines, "at": at, "by": by}).fetchall()
    return Taken(changed, len(accounts) - len(unknown) - changed - older, older, unknown)
