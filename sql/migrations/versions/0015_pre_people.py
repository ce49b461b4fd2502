"""Who is away, on duty and out on site; use by month and segments."""

from sql.migrate import script

revision, down_revision = "0015", "0014"
upgrade = script("0015_pre_people.sql")
