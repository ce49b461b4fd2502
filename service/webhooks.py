"""Programs that subscribe to what changes: who they are, what is written for them, and what is sent again."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import ConflictError, NotFoundError
from service import outbox, reach, routing
from service.changes import Change
from service.outbox import Outgoing
from sql.pool import Connection
from sql.query import Queries

Q = Queries("webhooks")
CHANNEL = "subscription"
MOST = 10_000
LONGEST_OVERLAP = timedelta(days=30)


@dataclass(frozen=True)
class Wanted:
    """What a subscription is about."""

    url: str
    topics: Sequence[str]
    description: str = ""
    active: bool = True


def new_secret() -> str:
    """Return a secret to sign with: 256 random bits."""
    return f"whs_{secrets.token_hex(32)}"


def create(
    conn: Connection, wanted: Wanted, *, staff_id: int | None, actor: str, at: datetime
) -> tuple[int, str]:
    """Subscribe from now on, with the sight of the member of staff; return the id and the secret."""
    secret = new_secret()
    params = {
        "url": wanted.url,
        "topics": sorted(set(wanted.topics)),
        "description": wanted.description,
        "secret": secret,
        "staff_id": staff_id,
        "actor": actor,
        "at": at,
    }
    ((id_,),) = conn.execute(Q["create"], params).fetchall()
    return int(id_), secret


def change(conn: Connection, id_: int, wanted: Wanted) -> None:
    """Put this in its place.

    Active again, it goes on where it stopped. What waits goes to the new address.
    """
    _lock(conn, id_)
    params = {
        "id": id_,
        "url": wanted.url,
        "topics": sorted(set(wanted.topics)),
        "description": wanted.description,
        "active": wanted.active,
    }
    conn.execute(Q["change"], params)
    conn.execute(Q["readdress"], {"id": id_, "url": wanted.url})


def delete(conn: Connection, id_: int, *, at: datetime) -> None:
    """End it; what waits isn't sent any more."""
    _lock(conn, id_)
    conn.execute(Q["delete"], {"id": id_, "at": at})
    conn.execute(Q["stop_posts"], {"id": id_, "state": "dismissed", "error": "the subscription was deleted"})


def rotate(conn: Connection, id_: int, *, overlap: timedelta, at: datetime) -> str:
    """Return a new secret; posts carry the signature of the old one too until `overlap` is over."""
    _lock(conn, id_)
    secret = new_secret()
    conn.execute(Q["rotate"], {"id": id_, "secret": secret, "until": at + overlap})
    return secret


def ping(conn: Connection, id_: int, *, at: datetime) -> int:
    """Post a test; return the id of the delivery."""
    url = _lock(conn, id_)
    document = {"sequence": None, "type": "ping", "at": at.isoformat()}
    key = f"webhook:{id_}:ping:{secrets.token_hex(8)}"
    made = outbox.enqueue(conn, _post(id_, url, "ping", key, document), at=at)
    assert made is not None  # noqa: S101 - the key is new
    return made


def fill(conn: Connection, id_: int, found: Sequence[Change], url: str, *, upto: int, at: datetime) -> int:
    """Write the posts of what a subscription may see, and its position, in one transaction."""
    posts = [_post(id_, url, c.type, f"webhook:{id_}:{c.seq}", c.document()) for c in found]
    made = outbox.enqueue_all(conn, posts, at=at)
    conn.execute(Q["advance"], {"id": id_, "position": upto})
    return sum(one is not None for one in made)


def redeliver(
    conn: Connection,
    id_: int,
    *,
    delivery: int | None,
    since: datetime | None,
    actor: str,
    at: datetime,
) -> int:
    """Send again one delivery, sent or dead, or all dead ones (since a time); return how many that are.

    ConflictError where it is inactive; NotFoundError where the one isn't there.
    """
    url = _lock(conn, id_, active=True)
    states = ["dead"] if delivery is None else ["dead", "sent", "dismissed"]
    params = {"id": id_, "delivery": delivery, "since": since, "states": states, "most": MOST}
    count = len(conn.execute(Q["redeliver"], params | {"url": url, "actor": actor, "at": at}).fetchall())
    if delivery is not None and not count:
        raise NotFoundError(f"Subscription {id_} has no delivery {delivery} that is dead or sent.")
    if count:
        conn.execute(outbox.Q["wake_senders"])
    return count


def pause_failing(conn: Connection, days: int, *, at: datetime) -> int:
    """Pause what has failed for so many days on end, and tell the owner; return how many."""
    rows = conn.execute(Q["failing"], {"before": at - timedelta(days=days)}).fetchall()
    for id_, url, description, staff_id, since in rows:
        why = f"failed since {since:%FT%TZ}"
        conn.execute(Q["pause"], {"id": id_, "why": why, "at": at})
        error = f"paused: {why}"
        conn.execute(Q["stop_posts"], {"id": id_, "state": "dead", "error": error})
        about = {
            "id": id_,
            "url": reach.masked(CHANNEL, url),
            "description": description,
            "since": since.isoformat(),
            "days": days,
        }
        told = [staff_id] if staff_id is not None else [p.id for p in routing.duty_desk(conn, at)]
        for person in told:
            for way in reach.of_staff(conn, person, urgent=False, at=at):
                if way.channel != "webhook":
                    key = f"webhook:{id_}:paused:{at.isoformat()}:{way.channel}:{way.recipient}"
                    out = Outgoing("webhook", "paused", way.channel, way.recipient, way.language, key, about)
                    outbox.enqueue(conn, out, at=at)
    return len(rows)


def _post(id_: int, url: str, step: str, key: str, document: Mapping[str, object]) -> Outgoing:
    return Outgoing("change", step, CHANNEL, url, "en", key, document, webhook_id=id_)


def _lock(conn: Connection, id_: int, *, active: bool = False) -> str:
    row = conn.execute(Q["lock"], {"id": id_}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no subscription {id_}.")
    if active and not row[1]:
        raise ConflictError(f"Subscription {id_} is inactive.", cure="Make it active first.")
    return str(row[0])
