"""Whether a channel signs."""

from sql.migrate import script

revision, down_revision = "0023", "0022"
upgrade = script("0023_pre_signed_channels.sql")
