"""What comes with a mail and is kept."""

from sql.migrate import script

revision, down_revision = "0039", "0038"
upgrade = script("0039_pre_attachments.sql")
