"""Readings."""

from sql.migrate import script

revision, down_revision = "0002", "0001"
upgrade = script("0002_pre_readings.sql")
