"""Redis and Valkey: one connection that lets nothing but reads out, and what is read over it."""
