"""Whether a channel signs."""

from sql.migrate import script

revision, down_revision = "0028", "0027"
upgrade = script("0028_pre_signed_channels.sql")
