"""What was handed over for an absence."""

from sql.migrate import script

revision, down_revision = "0021", "0020"
upgrade = script("0021_pre_hand_over.sql")
