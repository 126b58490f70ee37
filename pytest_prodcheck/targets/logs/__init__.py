"""The logs target: files, pods, Loki and Google Cloud Logging, read within bounds of bytes, lines and time."""
