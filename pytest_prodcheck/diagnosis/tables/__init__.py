"""The cause tables, one module a layer: data only."""
