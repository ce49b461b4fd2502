"""Whose resolutions a week counts; a subscriber may change the language of the report."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_report.sql")
