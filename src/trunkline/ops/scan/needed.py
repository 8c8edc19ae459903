"""What a file has to import once its clients are changed: `os` in Python and Go, the package of options of an SDK for Go. Pure.

Not for: the change itself (`changes.py`).
"""

from __future__ import annotations

import re

PYTHON_READS = 'os.environ["TRUNKLINE_KEY"]'
GO_READS = 'os.Getenv("TRUNKLINE_KEY")'
_PYTHON_OS = re.compile(
    r"^\s*(?:import\s+(?:[\w., ]+,\s*)?os\b|from\s+\S+\s+import\s+.*\bos\b)", re.MULTILINE
)
_PYTHON_FIRST = re.compile(r"^(?!from __future__)(?:import|from)\s", re.MULTILINE)
_GO_LINE = r"^[ \t]*(?:import[ \t]+)?(?:\w+[ \t]+)?"
_GO_OPTIONS = re.compile(r"(?:(\w+)[ \t]+)?\"[^\"\n]+/option\"")
_GO_SDKS = re.compile(
    rf"{_GO_LINE}\"(?P<sdk>github\.com/(?:openai/openai-go|anthropics/anthropic-sdk-go)(?:/v\d+)?)\"[ \t]*$",
    re.MULTILINE,
)
"""SDKs whose options are a package of their own."""


def with_imports(language: str, text: str) -> str:
    """The changed file with the imports that its new lines need."""
    if language == "python" and PYTHON_READS in text and not _PYTHON_OS.search(text):
        first = _PYTHON_FIRST.search(text)
        return text[: first.start()] + "import os\n" + text[first.start() :] if first else text
    if language == "go":
        return _go_os(_go_options(text))
    return text


def options_name(text: str) -> str:
    """What a file of Go calls its SDK's package of options."""
    found = _GO_OPTIONS.search(text)
    return (found[1] if found else None) or "option"


def _go_options(text: str) -> str:
    sdk = _GO_SDKS.search(text)
    if sdk is None or "option.With" not in text or _GO_OPTIONS.search(text):
        return text
    line = sdk[0]
    indent = re.match(r"[ \t]*(?:import[ \t]+)?", line)
    new = f'{indent[0] if indent else ""}"{sdk["sdk"]}/option"'
    return text[: sdk.end()] + "\n" + new + text[sdk.end() :]


def _go_os(text: str) -> str:
    if GO_READS not in text or re.search(rf"{_GO_LINE}\"os\"", text, re.MULTILINE):
        return text
    block = re.search(r"^import[ \t]*\([ \t]*\n", text, re.MULTILINE)
    if block is not None:
        indent = re.match(r"[ \t]*", text[block.end() :])
        return f'{text[: block.end()]}{indent[0] if indent else ""}"os"\n{text[block.end() :]}'
    single = re.search(r"^import[ \t]", text, re.MULTILINE)
    return f'{text[: single.start()]}import "os"\n{text[single.start() :]}' if single else text
