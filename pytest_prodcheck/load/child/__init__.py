"""What runs inside Locust's own processes, and nowhere else: Locust and gevent are imported here."""
