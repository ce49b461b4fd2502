"""Whose resolutions a week counts."""

from sql.migrate import script

revision, down_revision = "0031", "0023"
upgrade = script("0031_pre_round_index.sql")
