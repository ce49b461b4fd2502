"""What a month was like in each DMA."""

from sql.migrate import script

revision, down_revision = "0010", "0009"
upgrade = script("0010_pre_zones.sql")
