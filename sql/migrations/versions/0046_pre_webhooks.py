"""Programs that subscribe to what changes."""

from sql.migrate import script

revision, down_revision = "0046", "0045"
upgrade = script("0046_pre_webhooks.sql")
