"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0021", "0020"
upgrade = script("0021_pre_visits.sql")
