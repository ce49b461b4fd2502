"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0028", "0027"
upgrade = script("0028_pre_report.sql")
