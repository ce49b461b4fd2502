"""What comes with a mail and is kept."""

from sql.migrate import script

revision, down_revision = "0038", "0037"
upgrade = script("0038_pre_attachments.sql")
