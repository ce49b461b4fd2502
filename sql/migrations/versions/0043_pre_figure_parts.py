"""Visits put off and overdue; a region's figures by manager, a manager's by segment."""

from sql.migrate import script

revision, down_revision = "0043", "0042"
upgrade = script("0043_pre_figure_parts.sql")
