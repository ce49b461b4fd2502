"""What people set for everybody, calendars and service levels, in versions: who, when, why and what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from psycopg.types.json import Jsonb

from core.errors import StaleError, changed
from sql.pool import Connection
from sql.query import Queries

Q = Queries("settings")
Kind = Literal["calendar", "sla"]


@dataclass(frozen=True)
class Change:
    """Who changes it, when, and why; `version` is the one that was seen, None for whichever there is."""

    actor: str
    at: datetime
    why: str
    version: int | None = None


def require_seen(conn: Connection, kind: Kind, code: str, version: int, said: Change) -> None:
    """Raise StaleError where another change has come since the version that was seen."""
    if said.version in (None, version):
        return
    row = conn.execute(Q["last_setting_change"], {"kind": kind, "code": code}).fetchone()
    actor, at, why = row or ("system", None, "")
    raise StaleError(
        f"{code} is at version {version}, not {said.version}: {actor} changed it ({why}).",
        cure="Read it again, and ask anew.",
        more=changed(actor, at, version, why=why) if at else {},
    )


def note(
    conn: Connection,
    kind: Kind,
    code: str,
    version: int,
    said: Change,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> None:
    """Put a change on record."""
    given = {"kind": kind, "code": code, "version": version, "at": said.at, "actor": said.actor}
    told = {"why": said.why, "before": None if before is None else _json(before), "after": _json(after)}
    conn.execute(Q["note_change"], given | told)


def _json(values: Mapping[str, Any]) -> Jsonb:
    return Jsonb(dict(values), msgspec.json.encode)
