"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0034", "0033"
upgrade = script("0034_pre_report.sql")
