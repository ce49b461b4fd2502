"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0018", "0017"
upgrade = script("0018_pre_visits.sql")
