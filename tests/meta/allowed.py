"""Exceptions to the rules of this folder. Each list may only shrink: an entry that is no longer needed fails its test."""

LONG_MODULES: dict[str, int] = {}
"""Modules over 400 lines, with the length that they may have at most, and why each is one idea."""

SLEEPING_TESTS: dict[str, str] = {
    "tests/battery/idle_streams.py": "a slow experiment: it spaces its own load and looks again at another process's memory",
}
"""Tests that may sleep for a fixed time, with the reason."""
