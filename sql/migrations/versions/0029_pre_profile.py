"""A search that stops earlier; use by day of a customer with many meters."""

from sql.migrate import script

revision, down_revision = "0029", "0028"
upgrade = script("0029_pre_profile.sql")
