"""Known problems name detectors that there are."""

from sql.migrate import script

revision, down_revision = "0040", "0039"
upgrade = script("0040_pre_known_problems.sql")
