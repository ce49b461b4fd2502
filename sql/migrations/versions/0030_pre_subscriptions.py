"""A subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0030", "0029"
upgrade = script("0030_pre_subscriptions.sql")
