"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0024", "0023"
upgrade = script("0024_pre_report.sql")
