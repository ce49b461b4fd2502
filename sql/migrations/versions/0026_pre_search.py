"""Customers are found by whatever is known of them."""

from sql.migrate import script

revision, down_revision = "0026", "0025"
upgrade = script("0026_pre_search.sql")
