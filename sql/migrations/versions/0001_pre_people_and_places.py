"""People and places."""

from sql.migrate import script

revision, down_revision = "0001", None
upgrade = script("0001_pre_people_and_places.sql")
