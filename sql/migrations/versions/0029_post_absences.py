"""Absences are periods of their own."""

from sql.migrate import script

revision, down_revision = "0029", "0028"
upgrade = script("0029_post_absences.sql")
