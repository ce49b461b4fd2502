"""Connections: one bounded pool a process, opened at the composition root, with the role's rights only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from core.errors import InfrastructureError

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]
RoleName = Literal["owner", "ingest", "detect", "notify", "api"]


def conninfo(url: str, role: RoleName) -> str:
    """Return `url` with the role, application name and time zone that its sessions start with."""
    given = conninfo_to_dict(url)
    options = [str(given.get("options") or ""), "-c timezone=UTC"]
    if role != "owner":
        options.append(f"-c role=headwater_{role}")
    return make_conninfo(
        url,
        options=" ".join(options).strip(),
        application_name=f"headwater {role}",
        connect_timeout=given.get("connect_timeout", 5),
        keepalives_idle=30,
    )


def connect(url: str, role: RoleName, *, autocommit: bool = False) -> Connection:
    """Open one connection, for a thread that keeps its own."""
    try:
        return psycopg.connect(conninfo(url, role), autocommit=autocommit)
    except psycopg.OperationalError as problem:
        raise unavailable(problem) from problem


@contextmanager
def open_pool(url: str, role: RoleName, *, size: int = 4) -> Iterator[Pool]:
    """Open a pool of at most `size` connections; it reconnects by itself when the server comes back."""
    with ConnectionPool(
        conninfo(url, role),
        min_size=1,
        max_size=size,
        open=False,
        check=ConnectionPool.check_connection,
        name=f"headwater-{role}",
    ) as pool:
        yield pool


def unavailable(problem: Exception) -> InfrastructureError:
    """Turn a driver's error into one that says what to do."""
    return InfrastructureError(
        f"The database can't be reached: {str(problem).strip()}",
        cure="Start it with `headwater stack up`, or set HEADWATER_DATABASE_URL.",
    )
