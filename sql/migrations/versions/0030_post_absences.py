"""Absences are periods of their own."""

from sql.migrate import script

revision, down_revision = "0030", "0029"
upgrade = script("0030_post_absences.sql")
