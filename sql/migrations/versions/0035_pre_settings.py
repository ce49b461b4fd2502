"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0035", "0034"
upgrade = script("0035_pre_settings.sql")
