"""A PDF renderer in the shape of Gotenberg: multipart forms in, a small but real PDF with the text of the page out.

Not for: layout; the text is set in one column of Helvetica.
"""

from __future__ import annotations

import re

from trunkline.simulator.failures import refuse
from trunkline.simulator.pdf import pdf_of, text_of_html
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.request import Request

_FORMS = ("/forms/chromium/convert/html", "/forms/chromium/convert/markdown", "/forms/chromium/convert/url")

_PARAMETER = re.compile(r'\b(filename|name)="([^"]*)"')


class Gotenberg:
    """Keeps nothing."""

    def answer(self, request: Request) -> Reply:
        """Forms, `/health` and `/version`."""
        path = request.path.rstrip("/")
        if path.endswith("/health"):
            return json_reply({"status": "up", "details": {"chromium": {"status": "up"}}})
        if path.endswith("/version"):
            return Reply(200, b"8.0.0-sim", "text/plain; charset=utf-8")
        form = next((form for form in _FORMS if path.endswith(form)), None)
        if form is None or request.method != "POST":
            raise refuse(404, "Not Found")
        parts = _parts(request)
        if form.endswith("/url"):
            text = parts.get("url", b"").decode("utf-8", "replace")
            if not text:
                raise refuse(400, "Invalid form data: form field 'url' is required")
        elif "index.html" not in parts:
            raise refuse(400, "Invalid form data: form file 'index.html' is required")
        else:
            text = text_of_html(parts["index.html"].decode("utf-8", "replace"))
        name = request.fields.get("gotenberg-output-filename", "simulated")
        disposition = ("content-disposition", f'attachment; filename="{name}.pdf"')
        return Reply(200, pdf_of(text), "application/pdf", (disposition,))


def _parts(request: Request) -> dict[str, bytes]:
    """Form parts by file name, or by field name for those that are no files."""
    kind = request.fields.get("content-type", "")
    if not kind.startswith("multipart/form-data") or "boundary=" not in kind:
        raise refuse(415, "Invalid 'Content-Type' header value: want 'multipart/form-data'")
    boundary = kind.partition("boundary=")[2].partition(";")[0].strip('" ').encode("latin-1")
    found: dict[str, bytes] = {}
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        names = dict(_PARAMETER.findall(head.decode("utf-8", "replace")))
        found[names.get("filename") or names.get("name", "")] = content
    return found
