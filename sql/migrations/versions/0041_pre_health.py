"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0041", "0040"
upgrade = script("0041_pre_health.sql")
