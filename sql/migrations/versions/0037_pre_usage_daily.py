"""Days of use, summed once, and marked by whoever writes an hour of them."""

from sql.migrate import script

revision, down_revision = "0037", "0036"
upgrade = script("0037_pre_usage_daily.sql")
