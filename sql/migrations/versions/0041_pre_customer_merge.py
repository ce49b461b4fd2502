"""Two records of one customer are merged, and can be taken apart again."""

from sql.migrate import script

revision, down_revision = "0041", "0040"
upgrade = script("0041_pre_customer_merge.sql")
