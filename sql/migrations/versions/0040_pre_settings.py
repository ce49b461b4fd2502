"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0040", "0039"
upgrade = script("0040_pre_settings.sql")
