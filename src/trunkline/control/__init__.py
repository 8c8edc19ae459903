"""Changing things: each function checks, changes one thing and writes one audit row. Keys, secrets, publishing, supervision."""
