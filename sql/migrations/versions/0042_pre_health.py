"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0042", "0041"
upgrade = script("0042_pre_health.sql")
