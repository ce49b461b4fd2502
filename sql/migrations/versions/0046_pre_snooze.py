"""Put off until later, from one person's own list."""

from sql.migrate import script

revision, down_revision = "0046", "0045"
upgrade = script("0046_pre_snooze.sql")
