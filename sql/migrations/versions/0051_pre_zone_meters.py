"""The few meters around and inside districts are found among the many of customers."""

from sql.migrate import script

revision, down_revision = "0051", "0050"
upgrade = script("0051_pre_zone_meters.sql")
