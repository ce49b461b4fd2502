"""What changed, in one numbered log: the live stream and the webhook subscriptions read it."""

from sql.migrate import script

revision, down_revision = "0035", "0034"
upgrade = script("0035_pre_changes.sql")
