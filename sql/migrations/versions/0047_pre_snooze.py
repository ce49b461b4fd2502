"""Put off until later, from one person's own list."""

from sql.migrate import script

revision, down_revision = "0047", "0046"
upgrade = script("0047_pre_snooze.sql")
