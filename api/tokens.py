"""Customers' tokens: signed, for an hour at most, held by the utility's app on behalf of one customer.

Nothing of a token is stored. It is signed with a key of this installation and what is stored of the API key
that issued it, so it ends with that key: when the key is revoked, expires, or its old secret's grace is over.
"""

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec

from api import keys
from service import signing
from sql.pool import Connection

MARK, SCOPE, AUDIENCE = "hwc_", "self", "headwater:me"
LONGEST = timedelta(hours=1)
REQUESTS_A_MINUTE = 120
"""What a customer may ask for, with however many tokens."""


class Claims(msgspec.Struct):
    """What a token says: for whom, by which key, from when until when (seconds since 1970)."""

    aud: str
    sub: str
    via: str
    iat: int
    exp: int
    jti: str


def issue(conn: Connection, prefix: str, account_no: str, now: datetime, life: timedelta) -> str | None:
    """Return a token for a customer, issued by the key with this prefix; None if that can't."""
    good = keys.issuer(conn, prefix, now)
    if not good or not timedelta() < life <= LONGEST:
        return None
    begun = int(now.timestamp())
    life_s = int(life.total_seconds())
    said = msgspec.json.encode(
        Claims(AUDIENCE, account_no, prefix, begun, begun + life_s, secrets.token_urlsafe(9))
    )
    return f"{MARK}{_text(said)}.{_text(_mac(conn, said, good[0]))}"


def verify(conn: Connection, token: str, now: datetime) -> keys.Key | None:
    """Return whom a token stands for; None if it is forged, over, or its key no longer issues any."""
    said, _, mac = token.removeprefix(MARK).partition(".")
    try:
        raw, given = _raw(said), _raw(mac)
        claims = msgspec.json.decode(raw, type=Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    at, life_s = now.timestamp(), claims.exp - claims.iat
    if claims.aud != AUDIENCE or at >= claims.exp or not 0 < life_s <= LONGEST.total_seconds():
        return None
    good = keys.issuer(conn, claims.via, now) if "\x00" not in claims.via else []
    if not any(hmac.compare_digest(given, _mac(conn, raw, one)) for one in good):
        return None
    named: dict[str, Any] = {"staff_id": None, "login": None, "roles": frozenset[str]()}
    return keys.Key(
        None,
        "customer",
        frozenset({SCOPE}),
        **named,
        prefix=claims.via,
        requests_a_minute=REQUESTS_A_MINUTE,
        account_no=claims.sub,
    )


def _mac(conn: Connection, said: bytes, issuer: bytes) -> bytes:
    return hmac.digest(signing.mac(conn, b"token" + issuer), said, "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
