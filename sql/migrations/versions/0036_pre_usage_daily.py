"""Days of use, summed once, and marked by whoever writes an hour of them."""

from sql.migrate import script

revision, down_revision = "0036", "0035"
upgrade = script("0036_pre_usage_daily.sql")
