"""Days of use, summed once, and marked by whoever writes an hour of them."""

from sql.migrate import script

revision, down_revision = "0035", "0034"
upgrade = script("0035_pre_usage_daily.sql")
