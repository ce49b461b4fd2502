"""Visits put off and overdue; a region's figures by manager, a manager's by segment."""

from sql.migrate import script

revision, down_revision = "0040", "0039"
upgrade = script("0040_pre_figure_parts.sql")
