"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0033", "0032"
upgrade = script("0033_pre_report.sql")
