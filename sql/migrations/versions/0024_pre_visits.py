"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0024", "0023"
upgrade = script("0024_pre_visits.sql")
