"""When is worked, by when a ticket is due, when its clock stands still."""

from sql.migrate import script

revision, down_revision = "0016", "0015"
upgrade = script("0016_pre_deadlines.sql")
