"""How a person is reached, and what becomes of a message."""

from sql.migrate import script

revision, down_revision = "0019", "0018"
upgrade = script("0019_pre_delivery.sql")
