"""The inbox: causes, known problems, merged tickets, mail that came in."""

from sql.migrate import script

revision, down_revision = "0021", "0020"
upgrade = script("0021_pre_tickets.sql")
