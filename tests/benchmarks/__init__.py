"""Measurements of minigrad against its peers; see README.md beside this file."""
