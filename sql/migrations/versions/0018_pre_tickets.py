"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0018", "0017"
upgrade = script("0018_pre_tickets.sql")
