"""The link by which somebody sets a password: made by an administrator, good once and for a day."""

from sql.migrate import script

revision, down_revision = "0048", "0047"
upgrade = script("0048_pre_password_links.sql")
