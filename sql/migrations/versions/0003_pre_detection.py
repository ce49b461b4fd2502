"""Detection."""

from sql.migrate import script

revision, down_revision = "0003", "0002"
upgrade = script("0003_pre_detection.sql")
