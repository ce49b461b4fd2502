"""A search that stops earlier; use by day of a customer with many meters."""

from sql.migrate import script

revision, down_revision = "0028", "0027"
upgrade = script("0028_pre_profile.sql")
