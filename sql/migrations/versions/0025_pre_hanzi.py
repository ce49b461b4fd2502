"""How Chinese characters are read."""

from typing import Any

from alembic import op

from sql.hanzi import fill
from sql.migrate import script

revision, down_revision = "0025", "0024"
make = script("0025_pre_hanzi.sql")


def upgrade() -> None:
    """Make the table and fill it."""
    make()
    raw: Any = op.get_bind().connection.dbapi_connection
    fill(raw)
