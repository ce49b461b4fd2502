"""Network and weather."""

from sql.migrate import script

revision, down_revision = "0008", "0007"
upgrade = script("0008_pre_network_and_weather.sql")
