"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0016", "0015"
upgrade = script("0016_pre_tickets.sql")
