"""What is periodic."""

from sql.migrate import script

revision, down_revision = "0014", "0013"
upgrade = script("0014_pre_jobs.sql")
