"""`curl` as people type it: keys, bodies, uploads, streams, compression, errors."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.caller import events
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("P1", "P2")]

CHAT = '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}'


def curl(*arguments: str, check: bool = True) -> bytes:
    found = shutil.which("curl")
    assert found, "these tests need curl (Debian, Ubuntu: apt-get install curl)"
    command = [found, "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0 or not check, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("header", ["Authorization: Bearer {key}", "x-api-key: {key}"])
def test_a_chat_by_hand(trunkline: Trunkline, header: str) -> None:
    told = curl(
        f"{trunkline.url}/v1/chat/completions",
        *("-H", header.format(key=trunkline.key), "-H", "Content-Type: application/json", "-d", CHAT),
    )
    assert json.loads(told)["choices"][0]["message"]["content"]


def test_a_charge_with_the_key_as_user_the_way_stripe_shows_it(trunkline: Trunkline) -> None:
    told = curl(
        f"{trunkline.url}/api/proxy/stripe/v1/charges",
        *("-H", f"x-trunkline-key: {trunkline.key}"),
        *("-d", "amount=2000", "-d", "currency=eur", "-d", "source=tok_visa"),
    )
    assert json.loads(told)["paid"] is True


def test_a_stream_is_shown_as_it_comes(trunkline: Trunkline) -> None:
    body = json.dumps({**json.loads(CHAT), "stream": True})
    told = curl("-N", f"{trunkline.url}/v1/chat/completions", "-H", f"x-api-key: {trunkline.key}", "-d", body)

    assert events(told)[-1] == "[DONE]"


def test_a_file_becomes_a_pdf(trunkline: Trunkline, tmp_path: Path) -> None:
    page, pdf = tmp_path / "index.html", tmp_path / "out.pdf"
    page.write_text("<h1>Invoice</h1>" + "<p>line</p>" * 200_000)
    curl(
        f"{trunkline.url}/api/proxy/gotenberg/forms/chromium/convert/html",
        *("-H", f"x-api-key: {trunkline.key}", "-F", f"files=@{page}", "-o", str(pdf)),
    )
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_an_upload_waits_for_leave_and_arrives_whole(
    trunkline: Trunkline, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"x" * (5 << 20))
    curl(
        *("-T", str(blob), f"{trunkline.url}/api/proxy/crm/blob"),
        *("-H", f"x-api-key: {trunkline.key}", "-H", "Expect: 100-continue"),
    )
    assert simulator.ledger()[0].bytes_in == 5 << 20


def test_an_upload_of_unknown_length(
    trunkline: Trunkline, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"y" * (2 << 20))
    curl(
        *("-X", "POST", "--data-binary", f"@{blob}", f"{trunkline.url}/api/proxy/crm/blob"),
        *("-H", f"x-api-key: {trunkline.key}", "-H", "Transfer-Encoding: chunked"),
    )
    assert simulator.ledger()[0].bytes_in == 2 << 20


def test_a_compressed_answer_is_unpacked(trunkline: Trunkline) -> None:
    told = curl("--compressed", f"{trunkline.url}/api/proxy/crm/echo", "-H", f"x-api-key: {trunkline.key}")
    assert json.loads(told)["simulated"] is True


def test_only_the_head(trunkline: Trunkline) -> None:
    told = curl("-I", f"{trunkline.url}/api/proxy/crm/echo", "-H", f"x-api-key: {trunkline.key}")
    assert told.startswith(b"HTTP/1.1 200")


def test_several_calls_share_a_connection(trunkline: Trunkline) -> None:
    url = f"{trunkline.url}/api/proxy/crm/echo"
    told = curl(url, url, url, "-H", f"x-api-key: {trunkline.key}", "-w", "\n%{num_connects}\n").decode()

    assert [line for line in told.splitlines() if line.isdigit()] == ["1", "0", "0"]


@pytest.mark.row("E1")
def test_without_a_key_it_is_told_what_is_missing(trunkline: Trunkline) -> None:
    told = json.loads(curl(f"{trunkline.url}/v1/models"))

    assert (told["code"], told["source"]) == ("unauthenticated", "trunkline")
    assert "Authorization: Bearer tl_" in told["action"]


@pytest.mark.row("F6")
def test_giving_up_ends_the_call_at_the_vendor(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("never", "crm")
    curl(
        "--max-time",
        "0.3",
        f"{trunkline.url}/api/proxy/crm/x",
        "-H",
        f"x-api-key: {trunkline.key}",
        check=False,
    )

    eventually(lambda: simulator.ledger()[0].client_gone_at, "the vendor to be let go")
