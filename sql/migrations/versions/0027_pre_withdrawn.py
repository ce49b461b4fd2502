"""A message may be taken back before it is sent."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_withdrawn.sql")
