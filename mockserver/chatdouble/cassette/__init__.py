"""Cassettes: files of recorded requests and responses in vcrpy's format."""
