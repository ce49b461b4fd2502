"""How a person is reached, and what becomes of a message."""

from sql.migrate import script

revision, down_revision = "0018", "0017"
upgrade = script("0018_pre_delivery.sql")
