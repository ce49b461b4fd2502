"""Customers are found by whatever is known of them."""

from sql.migrate import script

revision, down_revision = "0025", "0024"
upgrade = script("0025_pre_search.sql")
