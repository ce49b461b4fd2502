"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0028", "0027"
upgrade = script("0028_pre_visits.sql")
