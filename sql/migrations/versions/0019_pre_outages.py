"""Outages from draft to restoration."""

from sql.migrate import script

revision, down_revision = "0019", "0018"
upgrade = script("0019_pre_outages.sql")
