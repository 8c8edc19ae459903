"""Drills: which faults are played to a copy of each integration, what must come of them, and what the report says. Pure.

Not for: the copy's processes (`cli/drilling`), nor faults on a gateway that serves (`core/faults.py`).
"""
