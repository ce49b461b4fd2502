-- Operations propose and apply segments through the API.

grant insert, update, delete on segment_change, segment_month to headwater_api;
