"""Whether a channel signs."""

from sql.migrate import script

revision, down_revision = "0029", "0028"
upgrade = script("0029_pre_signed_channels.sql")
