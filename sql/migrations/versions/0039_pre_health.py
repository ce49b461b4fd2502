"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0039", "0038"
upgrade = script("0039_pre_health.sql")
