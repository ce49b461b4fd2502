"""The area of an outage stands in a table of its own."""

from sql.migrate import script

revision, down_revision = "0018", "0017"
upgrade = script("0018_post_outage_area.sql")
