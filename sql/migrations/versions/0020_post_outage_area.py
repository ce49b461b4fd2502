"""The area of an outage stands in a table of its own."""

from sql.migrate import script

revision, down_revision = "0020", "0019"
upgrade = script("0020_post_outage_area.sql")
