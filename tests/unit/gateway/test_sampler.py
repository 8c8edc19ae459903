"""Samples of calls: which are taken, what of them is kept, and that a call never pays for it."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

from trunkline.core.codec import pack_decoder
from trunkline.core.handling import Samples, SampleStore
from trunkline.core.sample import Sample
from trunkline.core.service import ApiVersion, Operation, Service
from trunkline.gateway.sampler import PENDING, Sampler
from trunkline.journal.bodies import FOLDER, Reader, segments
from trunkline.testing.script import Sent, answers
from trunkline.testing.trial import SECRET, Trial, service

KEY = b"answer key of the tests, 32 byte"
CREATE = Operation(name="create_charge", method="POST", path="/v1/charges")
LIST = Operation(name="list_charges", method="GET", path="/v1/charges")
ALL = Samples(share=1.0, per_minute=1000)
JSON = ("content-type", "application/json")


def acme(samples: Samples = ALL, **changes: Any) -> Service:
    return service(operations=[CREATE, LIST], samples=samples, **changes)


class Rig:
    """A gateway with a sampler, and a reader of what it kept."""

    def __init__(self, folder: Path, *plays: Any, spec: Service | None = None, **given: Any) -> None:
        plays = plays * 200 if len(plays) == 1 else plays
        self.trial = Trial(*plays, services=[spec or acme()], **given)
        clock = self.trial.clock
        self.sampler = Sampler(
            folder, KEY, SampleStore(), clock=clock, wall=clock.wall, chance=lambda: 0.5, background=False
        )
        self.sampler.open()
        self.sampler.adopt(self.trial.gateway.world.services.values())
        self._reader = Reader(folder / FOLDER, KEY)
        self._decode = pack_decoder(Sample).decode

    def kept(self) -> list[Sample]:
        self.sampler.turn()
        found = [self._decode(payload) for payload in self._reader.read(10_000)]
        self._reader.settle()
        return found


async def test_a_sample_tells_what_the_vendor_got_and_gave(tmp_path: Path) -> None:
    version = ApiVersion(value="2026-09-30", header="acme-version")
    rig = Rig(tmp_path, answers(200, b'{"id":"ch_1"}'), spec=acme(api_version=version))
    headers = (
        JSON,
        ("x-trunkline-feature", "checkout"),
        ("x-trunkline-subject", "user-7"),
        ("x-acting-for", "Jane Doe"),
        ("x-session-token", "s3cret"),
        ("cookie", "mail=jane@example.com"),
        ("user-agent", "shop/1.2"),
    )
    heard = await rig.trial.ask("POST", "/api/proxy/acme/v1/charges?expand=x", b'{"amount":5}', *headers)
    (sample,) = rig.kept()
    begin = rig.trial.begins[0]
    assert heard.status == 200
    assert sample == Sample(
        call_id=begin.call_id,
        at_us=begin.at_us,
        correlation_id=begin.correlation_id,
        integration="acme",
        operation="create_charge",
        method="POST",
        path="/v1/charges",
        version="2026-09-30",
        model="",
        status=200,
        key_id="key-1",
        team="shop",
        feature="checkout",
        subject_hash=begin.subject_hash,
        request_type="application/json",
        request=b'{"amount":5}',
        request_cut=False,
        response_type="application/json",
        response=b'{"id":"ch_1"}',
        response_cut=False,
        stream=False,
        query="expand=x",
        fields=[("x-acting-for", "Jane Doe")],
    )


async def test_the_callers_own_version_is_the_one_that_was_sent(tmp_path: Path) -> None:
    version = ApiVersion(value="2026-09-30", header="Acme-Version")
    rig = Rig(tmp_path, answers(200, b"{}"), spec=acme(api_version=version))
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges", b"", ("acme-version", "2025-01-01"))
    assert [sample.version for sample in rig.kept()] == ["2025-01-01"]


async def test_failures_are_sampled_too_for_the_vendor_got_their_data(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(400, b'{"error":"no"}'))
    await rig.trial.ask("POST", "/api/proxy/acme/v1/charges", b'{"amount":5}', JSON)
    (sample,) = rig.kept()
    assert (sample.status, sample.request, sample.response) == (400, b'{"amount":5}', b'{"error":"no"}')


async def test_what_was_never_answered_is_no_sample(tmp_path: Path) -> None:
    def breaks(sent: Sent) -> None:
        sent.cut()

    rig = Rig(tmp_path, breaks)
    await rig.trial.ask("POST", "/api/proxy/acme/v1/charges", b"{}", JSON)
    assert rig.kept() == []


async def test_the_first_call_of_each_minute_is_taken_and_a_share_of_the_others(tmp_path: Path) -> None:
    spec = acme(Samples(share=0.1, per_minute=4))
    rig = Rig(tmp_path, answers(200, b"{}"), spec=spec)
    for _ in range(100):
        await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert len(rig.kept()) == 4
    rig.trial.clock.advance(59.0)
    rig.sampler.stats()
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert rig.kept() == []
    rig.trial.clock.advance(1.0)
    rig.sampler.stats()
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert len(rig.kept()) == 1


async def test_a_seldom_used_operation_is_seen_beside_a_busy_one(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"), spec=acme(Samples(share=0.0)))
    for _ in range(20):
        await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    await rig.trial.ask("POST", "/api/proxy/acme/v1/charges", b"{}", JSON)
    await rig.trial.ask("POST", "/api/proxy/acme/v1/undeclared", b"{}", JSON)
    assert [sample.operation for sample in rig.kept()] == ["list_charges", "create_charge", ""]


async def test_an_integration_that_wants_none_has_none(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"), spec=acme(Samples(enabled=False)))
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert rig.kept() == []


async def test_a_call_may_be_left_out_by_its_caller(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"))
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges", b"", ("x-trunkline-samples", "off"))
    assert rig.kept() == []
    assert rig.trial.wire.sent[0].field(b"x-trunkline-samples") is None


async def test_without_a_key_of_the_installation_nothing_is_taken(tmp_path: Path) -> None:
    trial = Trial(answers(200, b"{}"), services=[acme()])
    sampler = Sampler(
        tmp_path, b"", SampleStore(), clock=trial.clock, wall=trial.clock.wall, background=False
    )
    sampler.adopt(trial.gateway.world.services.values())
    await trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert (sampler.stats()["taken"], segments(tmp_path / FOLDER)) == (0, [])


async def test_bodies_are_cut_at_their_bounds(tmp_path: Path) -> None:
    spec = acme(Samples(share=1.0, request_bytes=4, response_bytes=5))
    rig = Rig(tmp_path, answers(200, b'"0123456789"'), spec=spec)
    await rig.trial.ask("POST", "/api/proxy/acme/v1/charges", b'"abcdef"', JSON)
    (sample,) = rig.kept()
    assert (sample.request, sample.request_cut) == (b'"abc', True)
    assert (sample.response, sample.response_cut) == (b'"0123', True)


async def test_packed_answers_are_unpacked_up_to_the_bound(tmp_path: Path) -> None:
    whole = b'{"items":[' + b",".join(b'"item %d"' % n for n in range(2000)) + b"]}"
    fields = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
    rig = Rig(
        tmp_path,
        answers(200, gzip.compress(whole), *fields),
        spec=acme(Samples(share=1.0, response_bytes=6000)),
    )
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges", b"", ("accept-encoding", "gzip"))
    (sample,) = rig.kept()
    assert whole.startswith(sample.response)
    assert (len(sample.response), sample.response_cut) == (6000, True)


async def test_a_packed_request_is_unpacked_and_one_in_an_unknown_coding_left_out(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"))
    packed = zlib.compress(b'{"a":1}')
    await rig.trial.ask("POST", "/api/proxy/acme/v1/charges", packed, JSON, ("content-encoding", "deflate"))
    await rig.trial.ask("POST", "/api/proxy/acme/v1/charges", b"\x28\xb5", JSON, ("content-encoding", "zstd"))
    assert [(s.request, s.request_cut) for s in rig.kept()] == [(b'{"a":1}', False), (b"", True)]


async def test_the_begin_of_a_stream_is_kept_and_the_caller_gets_all_of_it(tmp_path: Path) -> None:
    pieces = [b"data: %d\n\n" % n for n in range(10)]

    def streams(sent: Sent) -> None:
        sent.begin()
        for piece in pieces:
            sent.piece(piece)
        sent.end()

    rig = Rig(tmp_path, streams, spec=acme(Samples(share=1.0, response_bytes=25)))
    heard = await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    (sample,) = rig.kept()
    assert heard.body == b"".join(pieces)
    assert (sample.stream, sample.response, sample.response_cut) == (True, b"".join(pieces)[:25], True)


async def test_a_credential_that_the_vendor_repeats_is_not_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(401, b'{"error":"bad key %s"}' % SECRET.encode()))
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    (sample,) = rig.kept()
    assert sample.response == b'{"error":"bad key ***"}'


async def test_what_the_thread_cannot_keep_up_with_is_dropped_and_counted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"))
    for _ in range(PENDING + 3):
        await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert rig.sampler.stats()["dropped"] == 3
    assert len(rig.kept()) == PENDING
    assert rig.sampler.stats()["taken"] == PENDING


async def test_a_full_disk_costs_samples_and_no_call(tmp_path: Path, capsys: Any) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"))
    (tmp_path / FOLDER).chmod(0o700)
    for one in (tmp_path / FOLDER).iterdir():
        one.unlink()
    (tmp_path / FOLDER).rmdir()
    for _ in range(2):
        heard = await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
        assert heard.status == 200
    rig.sampler.turn()
    assert rig.sampler.stats()["dropped"] == 2
    assert capsys.readouterr().err.count("samples are not kept: FileNotFoundError") == 1


async def test_a_defect_of_the_sampler_fails_no_call(tmp_path: Path, monkeypatch: Any) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"))
    monkeypatch.setattr("trunkline.gateway.taking.Sample", None)
    heard = await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert heard.status == 200
    assert rig.sampler.stats()["dropped"] == 1


async def test_everything_can_be_deleted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, answers(200, b"{}"))
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    rig.sampler.turn()
    await rig.trial.ask("GET", "/api/proxy/acme/v1/charges")
    assert rig.sampler.clear()
    assert rig.kept() == []
    assert segments(tmp_path / FOLDER) == []


async def test_what_the_thread_has_not_seen_yet_is_written_at_the_end(tmp_path: Path) -> None:
    trial = Trial(answers(200, b"{}"), services=[acme()])
    sampler = Sampler(
        tmp_path, KEY, SampleStore(), clock=trial.clock, wall=trial.clock.wall, background=False
    )
    sampler.open()
    sampler.adopt(trial.gateway.world.services.values())
    await trial.ask("GET", "/api/proxy/acme/v1/charges")
    sampler.close()
    assert sampler.stats()["taken"] == 1
    assert [one.complete for one in segments(tmp_path / FOLDER)] == [True]


async def test_the_thread_writes_by_itself_and_ends(tmp_path: Path) -> None:
    trial = Trial(answers(200, b"{}"), services=[acme()])
    sampler = Sampler(tmp_path, KEY, SampleStore(), clock=trial.clock, wall=trial.clock.wall)
    sampler.open()
    sampler.adopt(trial.gateway.world.services.values())
    await trial.ask("GET", "/api/proxy/acme/v1/charges")
    sampler.close()
    assert sampler.stats()["taken"] == 1
    assert [one.complete for one in segments(tmp_path / FOLDER)] == [True]
