"""Known problems name detectors that there are."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_known_problems.sql")
