"""How a person is reached, and what becomes of a message."""

from sql.migrate import script

revision, down_revision = "0021", "0020"
upgrade = script("0021_pre_delivery.sql")
