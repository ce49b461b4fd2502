"""Customers are found by whatever is known of them."""

from sql.migrate import script

revision, down_revision = "0031", "0030"
upgrade = script("0031_pre_search.sql")
