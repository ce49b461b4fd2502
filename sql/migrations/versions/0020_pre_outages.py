"""Outages from draft to restoration."""

from sql.migrate import script

revision, down_revision = "0020", "0013"
upgrade = script("0020_pre_outages.sql")
