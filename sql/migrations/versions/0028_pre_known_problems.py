"""Known problems name detectors that there are."""

from sql.migrate import script

revision, down_revision = "0028", "0027"
upgrade = script("0028_pre_known_problems.sql")
