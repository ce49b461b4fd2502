"""A search that stops earlier; use by day of a customer with many meters."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_profile.sql")
