"""Operations propose and apply segments through the API."""

from sql.migrate import script

revision, down_revision = "0028", "0027"
upgrade = script("0028_pre_segment_rights.sql")
