"""Roles."""

from sql.migrate import script

revision, down_revision = "0006", "0005"
upgrade = script("0006_pre_roles.sql")
