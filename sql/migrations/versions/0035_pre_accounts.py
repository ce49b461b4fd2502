"""People who sign in to the console."""

from sql.migrate import script

revision, down_revision = "0035", "0034"
upgrade = script("0035_pre_accounts.sql")
