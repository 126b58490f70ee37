"""The embedded system behind `--prodcheck=demo`, and its faults."""
