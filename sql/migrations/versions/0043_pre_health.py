"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0043", "0042"
upgrade = script("0043_pre_health.sql")
