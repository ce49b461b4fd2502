"""What was handed over for an absence."""

from sql.migrate import script

revision, down_revision = "0032", "0018"
upgrade = script("0032_pre_hand_over.sql")
