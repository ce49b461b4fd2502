"""Programs that subscribe to what changes."""

from sql.migrate import script

revision, down_revision = "0044", "0043"
upgrade = script("0044_pre_webhooks.sql")
