"""Events of water plans."""

from sql.migrate import script

revision, down_revision = "0011", "0010"
upgrade = script("0011_pre_plans.sql")
