"""Who applied a change of segment."""

from sql.migrate import script

revision, down_revision = "0031", "0015"
upgrade = script("0031_pre_people_more.sql")
