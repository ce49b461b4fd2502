"""A search that stops earlier; use by day of a customer with many meters."""

from sql.migrate import script

revision, down_revision = "0032", "0026"
upgrade = script("0032_pre_profile.sql")
