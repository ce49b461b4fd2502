"""What changed, in one numbered log: the live stream and the webhook subscriptions read it."""

from sql.migrate import script

revision, down_revision = "0038", "0037"
upgrade = script("0038_pre_changes.sql")
