"""What is periodic."""

from sql.migrate import script

revision, down_revision = "0017", "0016"
upgrade = script("0017_pre_jobs.sql")
