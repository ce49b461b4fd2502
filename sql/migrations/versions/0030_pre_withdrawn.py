"""A message may be taken back before it is sent."""

from sql.migrate import script

revision, down_revision = "0030", "0022"
upgrade = script("0030_pre_withdrawn.sql")
