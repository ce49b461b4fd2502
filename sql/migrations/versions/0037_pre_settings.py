"""Calendars and service levels are set by people: who, when, why, and what stood before."""

from sql.migrate import script

revision, down_revision = "0037", "0036"
upgrade = script("0037_pre_settings.sql")
