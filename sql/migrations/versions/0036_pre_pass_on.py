"""What one way refuses goes by the person's next one; what may have arrived doesn't."""

from sql.migrate import script

revision, down_revision = "0036", "0035"
upgrade = script("0036_pre_pass_on.sql")
