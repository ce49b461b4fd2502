"""Known problems name detectors that there are."""

from sql.migrate import script

revision, down_revision = "0029", "0028"
upgrade = script("0029_pre_known_problems.sql")
