"""What people say of events."""

from sql.migrate import script

revision, down_revision = "0009", "0008"
upgrade = script("0009_pre_verdicts.sql")
