"""Whether a channel signs."""

from sql.migrate import script

revision, down_revision = "0030", "0029"
upgrade = script("0030_pre_signed_channels.sql")
