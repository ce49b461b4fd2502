"""What changed, in one numbered log: the live stream and the webhook subscriptions read it."""

from sql.migrate import script

revision, down_revision = "0037", "0036"
upgrade = script("0037_pre_changes.sql")
