"""The load engine: ordinary Locust in a process of its own, with exact samples. The gate never imports Locust."""
