"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0037", "0036"
upgrade = script("0037_pre_health.sql")
