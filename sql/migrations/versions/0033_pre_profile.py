"""A search that stops earlier; use by day of a customer with many meters."""

from sql.migrate import script

revision, down_revision = "0033", "0032"
upgrade = script("0033_pre_profile.sql")
