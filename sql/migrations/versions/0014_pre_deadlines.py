"""When is worked, by when a ticket is due, when its clock stands still."""

from sql.migrate import script

revision, down_revision = "0014", "0013"
upgrade = script("0014_pre_deadlines.sql")
