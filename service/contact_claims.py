"""Customers correct their own phone or e-mail: a code goes to the new one, and the record waits for it."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.errors import BadDataError, ConflictError, TooManyError
from service import outbox, profiles, signing
from service.outbox import URGENT, Outgoing
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("me")
LIFE, TRIES = timedelta(minutes=15), 5
MOST, PERIOD = 5, timedelta(hours=1)
"""So many codes for one customer in so long."""
_CHANNEL = {"phone": "sms", "email": "email"}


@dataclass(frozen=True)
class Claim:
    """That an address is the customer's, proved by its code until `expires_at`."""

    id: int
    channel: str
    expires_at: datetime


def make(
    conn: Connection, account_no: str, field: Literal["phone", "email"], value: str, *, at: datetime
) -> Claim:
    """Send a code to a phone number or e-mail address that is to be the customer's.

    BadDataError for what is none, TooManyError after `MOST` in an hour.
    """
    given = {"account_no": account_no, "at": at}
    address = profiles.checked({field: value})[field]
    if address is None:
        raise BadDataError(f"There is no {field} to send a code to.", cure="Say which it is now.")
    conn.execute(Q["lock_claims"], given)
    ((count, first),) = conn.execute(Q["claims_lately"], given | {"since": at - PERIOD}).fetchall()
    if count >= MOST:
        raise TooManyError(f"{count} codes were sent within the hour.", wait=first + PERIOD - at)
    code = f"{secrets.randbelow(10**6):06}"
    given |= {"field": field, "value": address, "expires_at": at + LIFE}
    given["code_mac"] = _mac(conn, account_no, address, code)
    ((id_,),) = conn.execute(Q["insert_claim"], given).fetchall()
    ours, customer = utility(conn), profiles.lock(conn, account_no)
    out = Outgoing(
        kind="contact_code",
        step="code",
        channel=_CHANNEL[field],
        recipient=address,
        language=customer["language"],
        key=f"contact_code:{id_}",
        message={
            "name": customer["name"],
            "code": code,
            "minutes": int(LIFE.total_seconds() // 60),
            "utility": ours.name,
            "timezone": ours.zone.key,
        },
        rank=URGENT,
        account_no=account_no,
    )
    outbox.enqueue(conn, out, at=at)
    return Claim(int(id_), out.channel, at + LIFE)


def attempt(conn: Connection, account_no: str, claim_id: int, *, at: datetime) -> tuple[str, str, bytes]:
    """Count a try of a claim's code; return field, value and what `confirm` holds the code against.

    To be committed whatever comes of the try. ConflictError where there is nothing to try.
    """
    given = {"id": claim_id, "account_no": account_no, "at": at, "most": TRIES}
    row = conn.execute(Q["try_claim"], given).fetchone()
    if row is None:
        raise ConflictError(
            "This code is used, over, or was tried too often.", cure="Ask for a new one, and use that."
        )
    return str(row[0]), str(row[1]), bytes(row[2])


def confirm(
    conn: Connection,
    account_no: str,
    claim_id: int,
    code: str,
    tried: tuple[str, str, bytes],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Put the address on record if the code is the one that was sent; else BadDataError."""
    field, value, good = tried
    if not hmac.compare_digest(good, _mac(conn, account_no, value, code)):
        raise BadDataError("That isn't the code that was sent.", cure="Read it once more.")
    given = {"id": claim_id, "account_no": account_no, "at": at}
    if conn.execute(Q["claim_confirmed"], given).fetchone() is None:
        raise ConflictError("This code has been used.", cure="Look at the record.")
    why = f"confirmed with a code sent to the {field}"
    profiles.change(conn, account_no, {field: value}, actor=actor, why=why, at=at)


def _mac(conn: Connection, account_no: str, value: str, code: str) -> bytes:
    return signing.mac(conn, "\0".join(("code", account_no, value, code)).encode())
