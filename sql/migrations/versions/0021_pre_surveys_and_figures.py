"""What customers think of how they were served, and what a month of service was like."""

from sql.migrate import script

revision, down_revision = "0021", "0020"
upgrade = script("0021_pre_surveys_and_figures.sql")
