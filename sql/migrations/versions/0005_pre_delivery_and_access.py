"""Delivery and access."""

from sql.migrate import script

revision, down_revision = "0005", "0004"
upgrade = script("0005_pre_delivery_and_access.sql")
