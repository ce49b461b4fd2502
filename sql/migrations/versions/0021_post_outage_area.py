"""The area of an outage stands in a table of its own."""

from sql.migrate import script

revision, down_revision = "0021", "0020"
upgrade = script("0021_post_outage_area.sql")
