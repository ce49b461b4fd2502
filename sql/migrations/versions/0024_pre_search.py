"""Customers are found by whatever is known of them."""

from sql.migrate import script

revision, down_revision = "0024", "0023"
upgrade = script("0024_pre_search.sql")
