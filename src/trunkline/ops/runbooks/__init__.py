"""Runbooks: a template filled from the registry, and the facts of now beside what people wrote."""
