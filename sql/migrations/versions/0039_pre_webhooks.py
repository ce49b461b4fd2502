"""Programs that subscribe to what changes."""

from sql.migrate import script

revision, down_revision = "0039", "0038"
upgrade = script("0039_pre_webhooks.sql")
