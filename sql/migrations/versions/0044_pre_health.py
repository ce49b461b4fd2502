"""How the line is doing, for the operations room: what arrives, what waits, who reads it."""

from sql.migrate import script

revision, down_revision = "0044", "0043"
upgrade = script("0044_pre_health.sql")
