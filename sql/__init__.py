"""The only place that speaks SQL: migrations, named queries, the pool and COPY."""
