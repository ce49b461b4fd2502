"""Operations propose and apply segments through the API."""

from sql.migrate import script

revision, down_revision = "0029", "0028"
upgrade = script("0029_pre_segment_rights.sql")
