"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0022", "0021"
upgrade = script("0022_pre_visits.sql")
