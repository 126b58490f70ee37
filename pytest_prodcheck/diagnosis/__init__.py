"""Why not? Code tables and cause rules: pure functions and data. Imports only `observe`'s data classes."""
