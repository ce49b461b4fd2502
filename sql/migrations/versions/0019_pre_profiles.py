"""Profiles that are changed, and contact data that are doubted."""

from sql.migrate import script

revision, down_revision = "0019", "0012"
upgrade = script("0019_pre_profiles.sql")
