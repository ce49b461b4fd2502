"""Two records of one customer are merged, and can be taken apart again."""

from sql.migrate import script

revision, down_revision = "0038", "0037"
upgrade = script("0038_pre_customer_merge.sql")
