"""The migrations of a repository: which there are, in which order, read from names and text. Nothing of them is run."""
