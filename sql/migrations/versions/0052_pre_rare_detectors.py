"""What a detector seldom finds is found by an index."""

from sql.migrate import script

revision, down_revision = "0052", "0051"
upgrade = script("0052_pre_rare_detectors.sql")
