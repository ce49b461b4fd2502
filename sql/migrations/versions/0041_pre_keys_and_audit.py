"""Keys that are rotated and limited, who read and changed what, and deeds that are done once."""

from sql.migrate import script

revision, down_revision = "0041", "0040"
upgrade = script("0041_pre_keys_and_audit.sql")
