"""Finds categories of data in texts and bodies: whose kind it is (an e-mail address, a card number), never whose. Pure.

`text.py` looks at a text, `bodies.py` at a body with its JSON paths, `rewrite.py` blots out what was found. The gateway uses it where a
route blocks or redacts, the console for sampled calls. Not for: what is done about it (`plugins/policies/data_guard.py`, `ops/data/`).
"""
