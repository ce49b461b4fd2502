"""How Chinese characters are read."""

from typing import Any

from alembic import op

from sql.hanzi import fill
from sql.migrate import script

revision, down_revision = "0023", "0022"
make = script("0023_pre_hanzi.sql")


def upgrade() -> None:
    """Make the table and fill it."""
    make()
    raw: Any = op.get_bind().connection.dbapi_connection
    fill(raw)
