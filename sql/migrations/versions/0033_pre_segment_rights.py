"""Operations propose and apply segments through the API."""

from sql.migrate import script

revision, down_revision = "0033", "0024"
upgrade = script("0033_pre_segment_rights.sql")
