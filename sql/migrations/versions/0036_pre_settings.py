"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0036", "0035"
upgrade = script("0036_pre_settings.sql")
