"""PostgreSQL: connect with a deadline, read the catalog once, answer guarded queries. The only importer of psycopg."""
