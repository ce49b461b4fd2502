"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0042", "0041"
upgrade = script("0042_pre_settings.sql")
