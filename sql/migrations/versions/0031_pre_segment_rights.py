"""Operations propose and apply segments through the API."""

from sql.migrate import script

revision, down_revision = "0031", "0030"
upgrade = script("0031_pre_segment_rights.sql")
