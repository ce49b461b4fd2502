"""A search that stops earlier; use by day of a customer with many meters."""

from sql.migrate import script

revision, down_revision = "0031", "0030"
upgrade = script("0031_pre_profile.sql")
