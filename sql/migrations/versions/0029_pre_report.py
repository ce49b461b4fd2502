"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0029", "0028"
upgrade = script("0029_pre_report.sql")
