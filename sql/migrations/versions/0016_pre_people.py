"""Who is away, on duty and out on site; use by month and segments."""

from sql.migrate import script

revision, down_revision = "0016", "0012"
upgrade = script("0016_pre_people.sql")
