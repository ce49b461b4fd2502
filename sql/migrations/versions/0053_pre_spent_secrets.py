"""Codes and links stand in a message only while it waits to be sent."""

from sql.migrate import script

revision, down_revision = "0053", "0052"
upgrade = script("0053_pre_spent_secrets.sql")
