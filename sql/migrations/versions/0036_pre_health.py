"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0036", "0035"
upgrade = script("0036_pre_health.sql")
