"""How a person is reached, and what becomes of a message."""

from sql.migrate import script

revision, down_revision = "0022", "0021"
upgrade = script("0022_pre_delivery.sql")
