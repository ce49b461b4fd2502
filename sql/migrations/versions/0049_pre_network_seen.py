"""The network as the desk sees it: the map, and what is measured around and inside a district."""

from sql.migrate import script

revision, down_revision = "0049", "0048"
upgrade = script("0049_pre_network_seen.sql")
