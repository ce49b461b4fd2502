"""The area of an outage stands in a table of its own."""

from sql.migrate import script

revision, down_revision = "0019", "0018"
upgrade = script("0019_post_outage_area.sql")
