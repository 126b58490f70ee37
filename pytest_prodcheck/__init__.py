"""pytest-prodcheck: the post-deploy gate that names the cause."""

__version__ = "0.1.0"
