"""Whether a channel signs."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_signed_channels.sql")
