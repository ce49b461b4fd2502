"""Codes and links stand in a message only while it waits to be sent."""

from sql.migrate import script

revision, down_revision = "0052", "0051"
upgrade = script("0052_pre_spent_secrets.sql")
