"""The PDF is well-formed: every offset leads to its object."""

import re

from trunkline.simulator.pdf import pdf_of, text_of_html


def test_a_page_is_read_without_its_markup() -> None:
    page = "<html><head><title>x</title><style>p{}</style></head><body><h1>Invoice &amp; terms</h1><p>Total:  <b>7</b></p></body></html>"
    assert text_of_html(page) == "Invoice & terms\nTotal: 7"


def test_the_cross_reference_leads_to_the_objects() -> None:
    file = pdf_of("Hello (world) \\ é\n" + "line\n" * 120)
    start = int(re.findall(rb"startxref\n(\d+)", file)[0])
    assert file[start : start + 4] == b"xref"
    offsets = [int(offset) for offset in re.findall(rb"(\d{10}) 00000 n ", file)]
    assert [file[offset:].split(b" ", 1)[0] for offset in offsets] == [
        b"%d" % (index + 1) for index in range(len(offsets))
    ]
    assert file.count(b"/Type /Page ") == 3
    assert rb"(Hello \(world\) \\ " in file
    assert file.startswith(b"%PDF-1.4")
    assert file.endswith(b"%%EOF\n")


def test_declared_stream_lengths_are_true() -> None:
    file = pdf_of("Hello")
    for length, content in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", file, re.DOTALL):
        assert int(length) == len(content)
