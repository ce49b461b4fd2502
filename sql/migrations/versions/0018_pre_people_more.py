"""Who applied a change of segment."""

from sql.migrate import script

revision, down_revision = "0018", "0017"
upgrade = script("0018_pre_people_more.sql")
