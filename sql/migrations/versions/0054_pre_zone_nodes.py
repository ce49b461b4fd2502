"""The nodes of the network's map that lie in a district."""

from sql.migrate import script

revision, down_revision = "0054", "0053"
upgrade = script("0054_pre_zone_nodes.sql")
