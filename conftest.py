"""No test settings here: this file lies above the package, and so every gate of an editable install collects it.

`pytest_plugins` would be an error there; `pytester` is named in pyproject.toml instead.
"""
