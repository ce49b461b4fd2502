"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0038", "0037"
upgrade = script("0038_pre_settings.sql")
