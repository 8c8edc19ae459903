"""The regular review: what it looks at (`facts.py`), what it finds (`judge.py`), how it reads (`text.py`)."""
