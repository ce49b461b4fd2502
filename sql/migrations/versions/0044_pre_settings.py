"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0044", "0043"
upgrade = script("0044_pre_settings.sql")
