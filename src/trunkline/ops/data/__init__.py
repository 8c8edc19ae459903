"""Which categories of data go to which vendor: what was seen in sampled calls beside what is declared.

Not for: finding categories in a body (`core/data/`), nor for what is done about them in calls as they are made
(`plugins/policies/data_guard.py`).
"""
