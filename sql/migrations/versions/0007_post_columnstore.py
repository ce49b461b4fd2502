"""Columnstore."""

from sql.migrate import script

revision, down_revision = "0007", "0006"
upgrade = script("0007_post_columnstore.sql")
