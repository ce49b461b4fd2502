"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0041", "0040"
upgrade = script("0041_pre_settings.sql")
