"""Operations propose and apply segments through the API."""

from sql.migrate import script

revision, down_revision = "0027", "0026"
upgrade = script("0027_pre_segment_rights.sql")
