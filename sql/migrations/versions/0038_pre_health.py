"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0038", "0037"
upgrade = script("0038_pre_health.sql")
