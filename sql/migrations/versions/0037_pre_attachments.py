"""What comes with a mail and is kept."""

from sql.migrate import script

revision, down_revision = "0037", "0036"
upgrade = script("0037_pre_attachments.sql")
