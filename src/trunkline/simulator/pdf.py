"""A valid PDF 1.4 from plain text, written by hand: pages of wrapped Helvetica. Not for: anything but letters."""

from __future__ import annotations

import html
import re
import textwrap

_LINES = 48
_COLUMNS = 90
_SKIPPED = re.compile(r"<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"<(?:br|/p|/h\d|/div|/li|/tr|/title)\b[^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")


def text_of_html(page: str) -> str:
    """The readable text of a page, block by block."""
    text = _TAGS.sub(" ", _BREAKS.sub("\n", _SKIPPED.sub(" ", page)))
    lines = (" ".join(html.unescape(line).split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def pdf_of(text: str) -> bytes:
    """The file. Letters outside Windows-1252 come out as question marks."""
    lines = [
        line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, _COLUMNS) or [""]
    ] or [""]
    pages = [lines[start : start + _LINES] for start in range(0, len(lines), _LINES)]
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, page in enumerate(pages):
        content = _content(page)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>"
            % (5 + 2 * index)
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
    return _file(objects)


def _content(lines: list[str]) -> bytes:
    shown = b"".join(b"(%b) '\n" % _escaped(line) for line in lines)
    return b"BT /F1 11 Tf 15 TL 60 795 Td\n%bET" % shown


def _escaped(line: str) -> bytes:
    raw = line.encode("cp1252", "replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    info = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out + info % (len(objects) + 1, start))
