"""Customers see their own, through the utility's app."""

from sql.migrate import script

revision, down_revision = "0048", "0047"
upgrade = script("0048_pre_self_service.sql")
