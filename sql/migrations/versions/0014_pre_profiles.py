"""Profiles that are changed, and contact data that are doubted."""

from sql.migrate import script

revision, down_revision = "0014", "0013"
upgrade = script("0014_pre_profiles.sql")
