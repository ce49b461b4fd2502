"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0015", "0013"
upgrade = script("0015_pre_tickets.sql")
