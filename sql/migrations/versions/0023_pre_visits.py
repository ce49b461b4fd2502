"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0023", "0022"
upgrade = script("0023_pre_visits.sql")
