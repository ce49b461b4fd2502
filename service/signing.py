"""Signatures with a key of this installation, for what is said to a customer and comes back."""

import hmac

from sql.pool import Connection
from sql.query import Queries

Q = Queries("me")


def mac(conn: Connection, said: bytes) -> bytes:
    """Return the signature of `said`, 32 bytes."""
    ((key,),) = conn.execute(Q["self_key"]).fetchall()
    return hmac.digest(key, said, "sha256")
