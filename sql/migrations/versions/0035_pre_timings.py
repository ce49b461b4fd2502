"""When messages to members of staff go out, of many at once, by the index that is made for it."""

from sql.migrate import script

revision, down_revision = "0035", "0034"
upgrade = script("0035_pre_timings.sql")
