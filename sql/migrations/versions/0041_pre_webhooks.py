"""Programs that subscribe to what changes."""

from sql.migrate import script

revision, down_revision = "0041", "0040"
upgrade = script("0041_pre_webhooks.sql")
