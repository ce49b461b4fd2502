"""Keys that are rotated and limited, who read and changed what, and deeds that are done once."""

from sql.migrate import script

revision, down_revision = "0036", "0035"
upgrade = script("0036_pre_keys_and_audit.sql")
