"""When messages to members of staff go out, of many at once, by the index that is made for it."""

from sql.migrate import script

revision, down_revision = "0036", "0035"
upgrade = script("0036_pre_timings.sql")
