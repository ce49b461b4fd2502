"""Outages from draft to restoration."""

from sql.migrate import script

revision, down_revision = "0017", "0016"
upgrade = script("0017_pre_outages.sql")
