"""Service."""

from sql.migrate import script

revision, down_revision = "0004", "0003"
upgrade = script("0004_pre_service.sql")
