"""A message may be taken back before it is sent."""

from sql.migrate import script

revision, down_revision = "0025", "0024"
upgrade = script("0025_pre_withdrawn.sql")
