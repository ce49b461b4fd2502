"""Whether a channel signs."""

from sql.migrate import script

revision, down_revision = "0025", "0024"
upgrade = script("0025_pre_signed_channels.sql")
