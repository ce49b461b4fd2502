"""A subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0023", "0022"
upgrade = script("0023_pre_subscriptions.sql")
