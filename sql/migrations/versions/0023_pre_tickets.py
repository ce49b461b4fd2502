"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0023", "0022"
upgrade = script("0023_pre_tickets.sql")
