"""Customers see their own, through the utility's app."""

from sql.migrate import script

revision, down_revision = "0050", "0049"
upgrade = script("0050_pre_self_service.sql")
