"""What a day told of a meter itself."""

from sql.migrate import script

revision, down_revision = "0012", "0011"
upgrade = script("0012_pre_meter_days.sql")
