"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0043", "0042"
upgrade = script("0043_pre_settings.sql")
