"""Messages about more than events."""

from sql.migrate import script

revision, down_revision = "0013", "0012"
upgrade = script("0013_pre_desk.sql")
