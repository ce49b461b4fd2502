"""When messages to members of staff go out, of many at once, by the index that is made for it."""

from sql.migrate import script

revision, down_revision = "0040", "0039"
upgrade = script("0040_pre_timings.sql")
