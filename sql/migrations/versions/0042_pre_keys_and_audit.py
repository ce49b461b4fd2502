"""Keys that are rotated and limited, who read and changed what, and deeds that are done once."""

from sql.migrate import script

revision, down_revision = "0042", "0041"
upgrade = script("0042_pre_keys_and_audit.sql")
