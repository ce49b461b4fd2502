-- Columnstore compression is part of the Community edition only; the Apache edition runs without it.

do $$
begin
    if current_setting('timescaledb.license', true) = 'timescale' then
        execute 'alter table reading set (timescaledb.compress, timescaledb.compress_segmentby = ''meter_id'', timescaledb.compress_orderby = ''ts'')';
        execute 'alter table usage_hourly set (timescaledb.compress, timescaledb.compress_segmentby = ''meter_id'', timescaledb.compress_orderby = ''slot'')';
        perform add_compression_policy('reading', interval '30 days');
        perform add_compression_policy('usage_hourly', interval '90 days');
    end if;
end $$;
