"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0045", "0044"
upgrade = script("0045_pre_health.sql")
