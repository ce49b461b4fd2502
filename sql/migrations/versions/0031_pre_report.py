"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0031", "0030"
upgrade = script("0031_pre_report.sql")
