"""HTML in, a PDF with its text out."""

from tests.unit.simulator.conftest import Ask

FORM = "multipart/form-data; boundary=cut"


def part(name: str, content: str) -> bytes:
    head = f'content-disposition: form-data; name="files"; filename="{name}"\r\ncontent-type: text/html'
    return f"--cut\r\n{head}\r\n\r\n{content}\r\n".encode()


async def test_a_page_becomes_a_pdf(call: Ask) -> None:
    body = (
        part("style.css", "p {}") + part("index.html", "<h1>Invoice 7</h1>\r\n<p>Thanks</p>") + b"--cut--\r\n"
    )
    answer = await call(
        "POST", "/gotenberg/forms/chromium/convert/html", body, content_type=FORM, authorization=""
    )
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body.startswith(b"%PDF-")
    assert b"(Invoice 7)" in answer.body
    assert b"(Thanks)" in answer.body


async def test_what_is_missing_is_told_in_plain_text(call: Ask) -> None:
    answer = await call(
        "POST",
        "/gotenberg/forms/chromium/convert/html",
        part("a.html", "") + b"--cut--\r\n",
        content_type=FORM,
    )
    assert (answer.status, answer.body) == (400, b"Invalid form data: form file 'index.html' is required")
    assert (await call("POST", "/gotenberg/forms/chromium/convert/html", b"{}")).status == 415
    assert (await call("GET", "/gotenberg/health")).json()["status"] == "up"
