"""What was handed over for an absence."""

from sql.migrate import script

revision, down_revision = "0024", "0023"
upgrade = script("0024_pre_hand_over.sql")
