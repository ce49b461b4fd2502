"""Absences are periods of their own."""

from sql.migrate import script

revision, down_revision = "0034", "0027"
upgrade = script("0034_post_absences.sql")
