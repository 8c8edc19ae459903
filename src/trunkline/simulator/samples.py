"""Requests that the simulated vendors accept, for operations whose bodies are not plain JSON. For drills.

Not for: model calls, which every dialect makes alike.
"""

from __future__ import annotations

_FORM = "application/x-www-form-urlencoded"
_BOUNDARY = "drill"
_PAGE = (
    f"--{_BOUNDARY}\r\n"
    'content-disposition: form-data; name="files"; filename="index.html"\r\ncontent-type: text/html\r\n\r\n'
    f"<h1>Drill</h1>\r\n--{_BOUNDARY}--\r\n"
).encode()

BODIES: dict[tuple[str, str], tuple[str, bytes]] = {
    ("stripe", "list_charges"): ("", b""),
    ("stripe", "create_charge"): (_FORM, b"amount=1999&currency=eur&source=tok_visa"),
    ("gotenberg", "convert_html"): (f"multipart/form-data; boundary={_BOUNDARY}", _PAGE),
}
"""By vendor and operation: content type and body."""
