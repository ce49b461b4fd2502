"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0022", "0021"
upgrade = script("0022_pre_tickets.sql")
