"""Absences are periods of their own."""

from sql.migrate import script

revision, down_revision = "0032", "0031"
upgrade = script("0032_post_absences.sql")
