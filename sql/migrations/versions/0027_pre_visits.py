"""Visits by cadence and on a cause; water plans with their outlook."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_visits.sql")
