"""When messages to members of staff go out, of many at once, by the index that is made for it."""

from sql.migrate import script

revision, down_revision = "0038", "0037"
upgrade = script("0038_pre_timings.sql")
