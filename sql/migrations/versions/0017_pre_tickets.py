"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0017", "0016"
upgrade = script("0017_pre_tickets.sql")
