"""Bring a database to the current schema: plain SQL files, applied in order by Alembic.

Two runners may start at once: one applies, the other waits by polling (waiting inside `pg_advisory_lock`
would deadlock with a concurrent index build) and then finds nothing to do. What has landed is never edited:
each file's SHA-256 is kept in the database and compared at every run.
"""

import time
from collections.abc import Callable
from typing import Any

from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, create_engine, pool, text

from core.errors import ConflictError, InfrastructureError
from sql.pool import connect
from sql.scripts import FOLDER, checksum, files

_LOCK = 0x48454144  # any fixed number: "HEAD"


def script(name: str) -> Callable[[], None]:
    """Return the upgrade function of a revision: run the SQL file `name`, and note its checksum."""

    def upgrade() -> None:
        raw: Any = op.get_bind().connection.dbapi_connection
        raw.execute("set local lock_timeout = '10s'")
        raw.execute((FOLDER / name).read_bytes())
        raw.execute(
            "insert into schema_checksum (file, sha256) values (%s, %s)", (name, checksum(FOLDER / name))
        )

    return upgrade


def migrate(url: str, *, patience_s: float = 300.0) -> list[str]:
    """Apply what is missing; return the names of the files that were applied by this call.

    Raises InfrastructureError when the server is away or another runner does not finish, ConflictError
    when a file was edited after it had been applied.
    """
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connect(url, "owner"), poolclass=pool.NullPool
    )
    with engine.connect() as conn:
        _lock(conn, patience_s)
        conn.execute(
            text(
                "create table if not exists schema_checksum "
                "(file text primary key, sha256 text not null, applied_at timestamptz not null default now())"
            )
        )
        conn.commit()
        before = _landed(conn)
        config = Config(attributes={"connection": conn})
        config.set_main_option("script_location", str(FOLDER))
        command.upgrade(config, "head")
        after = _landed(conn)
        conn.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
        conn.commit()
    return sorted(after.keys() - before.keys())


def _lock(conn: Connection, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not conn.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
        conn.rollback()
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"Another `headwater migrate` has held its lock for {patience_s:g} s.",
                cure="Wait for it, or end its session in pg_stat_activity.",
            )
        time.sleep(0.2)
    conn.commit()


def _landed(conn: Connection) -> dict[str, str]:
    rows = conn.execute(text("select file, sha256 from schema_checksum"))
    landed = {str(file): str(sha256) for file, sha256 in rows}
    conn.commit()
    known = {file.name: file for file in files()}
    for name, sha256 in landed.items():
        if name in known and checksum(known[name]) != sha256:
            raise ConflictError(
                f"{name} was edited after it had been applied to this database.",
                cure="Restore the file and put the change into a new migration.",
            )
    return landed
