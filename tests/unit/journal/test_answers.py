"""The answer store: a key's newest head counts, over restarts and crashes; nothing readable on the disk; expired segments go whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.polling import eventually
from trunkline.journal import answer_segment as segment
from trunkline.journal import files
from trunkline.journal.answers import ANSWER, DOUBT, FREED, INTENT, UNKEPT, Answers, AnswersFull, Head, Kept

KEY = b"answer key of the tests, 32 byte"
DAY = 86400.0
NOW = 1_795_262_400.0
BODY = b'{"id":"ch_1","secret":"a customer of the test"}'


def store(folder: Path, **given: object) -> Answers:
    made = Answers(folder, KEY, background=False, **given)  # type: ignore[arg-type]
    made.open(NOW)
    return made


def begun(answers: Answers, key: bytes = b"order-17", now: float = NOW, lives: float = DAY) -> Head:
    mark = answers.mark(key)
    answers.begin(mark, answers.mark(b"request", key), f"call-{key.decode()}", now, now + lives)
    head = answers.find(mark, now)
    assert head is not None
    return head


def answered(answers: Answers, key: bytes = b"order-17", body: bytes = BODY, **given: float) -> bytes:
    head = begun(answers, key, **given)
    assert answers.end(head, ANSWER, 201, Kept(b"a: b\r\n", body)) == ANSWER
    return head.mark


def test_a_key_is_unknown_then_begun_then_answered(tmp_path: Path) -> None:
    answers = store(tmp_path)
    mark = answers.mark(b"order-17")
    assert answers.find(mark, NOW) is None
    head = begun(answers)
    assert head == Head(
        INTENT, 0, mark, answers.mark(b"request", b"order-17"), "call-order-17", int(NOW * 1e6),
        int((NOW + DAY) * 1e6),
    )  # fmt: skip
    answers.end(head, ANSWER, 201, Kept(b"a: b\r\n", BODY, b"d"))
    found = answers.find(mark, NOW)
    assert found is not None
    assert (found.kind, found.status, found.call_id) == (ANSWER, 201, "call-order-17")
    assert answers.read(found) == Kept(b"a: b\r\n", BODY, b"d")


def test_it_is_all_there_after_a_restart_without_a_good_end(tmp_path: Path) -> None:
    before = store(tmp_path)
    mark = answered(before)
    doubtful = begun(before, b"order-18")
    after = store(tmp_path)
    found = after.find(mark, NOW)
    assert found is not None
    assert after.read(found) == Kept(b"a: b\r\n", BODY)
    assert after.find(doubtful.mark, NOW) == doubtful
    assert after.stats() == {"keys": 2, "segments": 1, "running": 0}


@pytest.mark.parametrize("kind", [UNKEPT, DOUBT, FREED])
def test_the_other_outcomes_are_kept_without_a_body(tmp_path: Path, kind: int) -> None:
    answers = store(tmp_path)
    head = begun(answers)
    assert answers.end(head, kind) == kind
    assert store(tmp_path).find(head.mark, NOW) == head._replace(kind=kind)


def test_an_outcome_that_comes_after_the_end_leaves_the_key_in_doubt(tmp_path: Path) -> None:
    answers = store(tmp_path)
    head = begun(answers)
    answers.close()
    assert answers.end(head, ANSWER, 200, Kept(b"", BODY)) == DOUBT
    assert store(tmp_path).find(head.mark, NOW) == head


def test_keys_in_different_scopes_are_different_keys(tmp_path: Path) -> None:
    answers = store(tmp_path)
    parts = [(b"team", b"key"), (b"teamk", b"ey"), (b"teamkey",), (b"", b"teamkey"), (b"teamkey", b"")]
    assert len({answers.mark(*each) for each in parts}) == len(parts)
    assert Answers(tmp_path, b"another key").mark(*parts[0]) != answers.mark(*parts[0])


def test_a_key_expires_and_is_new_again(tmp_path: Path) -> None:
    answers = store(tmp_path)
    mark = answered(answers, lives=3600.0)
    assert answers.find(mark, NOW + 3599.9) is not None
    assert answers.find(mark, NOW + 3600.0) is None


def test_nothing_readable_lies_on_the_disk(tmp_path: Path) -> None:
    answers = store(tmp_path)
    answered(answers)
    answers.close()
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert everything
    assert [
        text
        for text in (b"order-17", b"ch_1", b"customer", b"a: b")
        if text in everything.replace(b"call-order-17", b"")
    ] == []
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600, 0o600]


@pytest.mark.parametrize(
    "what", ["moved to another key", "another key of the installation", "a flipped bit", "gone"]
)
def test_a_body_that_does_not_belong_to_its_head_does_not_open(tmp_path: Path, what: str) -> None:
    answers = store(tmp_path)
    head = answers.find(answered(answers), NOW)
    assert head is not None
    bodies = segment.bodies_path(tmp_path, 1)
    if what == "moved to another key":
        head = head._replace(call_id="another")
    elif what == "a flipped bit":
        data = bytearray(bodies.read_bytes())
        data[5] ^= 1
        bodies.write_bytes(data)
    elif what == "gone":
        bodies.unlink()
    else:
        answers = Answers(tmp_path, b"another key", background=False)
        answers.open(NOW)
    assert answers.read(head) is None


def test_what_calls_left_can_be_overwritten_beside_a_running_store(tmp_path: Path) -> None:
    answers = store(tmp_path)
    theirs, other = answered(answers, b"theirs"), answered(answers, b"other")
    assert segment.blot(tmp_path, {"call-theirs"}, act=False) == 1
    held, kept = answers.find(theirs, NOW), answers.find(other, NOW)
    assert held is not None
    assert kept is not None
    assert answers.read(held) == Kept(b"a: b\r\n", BODY)
    assert segment.blot(tmp_path, {"call-theirs"}, act=True) == 1
    assert answers.find(theirs, NOW) == held, "the key stays used"
    assert (answers.read(held), answers.read(kept)) == (None, Kept(b"a: b\r\n", BODY))
    assert segment.blot(tmp_path, {"call-theirs"}, act=True) == 0
    assert segment.blot(tmp_path / "none", {"call-theirs"}, act=True) == 0


def test_a_key_whose_file_is_gone_is_in_doubt_and_never_new(tmp_path: Path) -> None:
    before = store(tmp_path)
    mark = answered(before)
    before.close()
    answers = store(tmp_path)
    segment.heads_path(tmp_path, 1).unlink()
    found = answers.find(mark, NOW)
    assert found is not None
    assert found.kind == DOUBT


def test_a_damaged_outcome_leaves_the_intent_standing(tmp_path: Path) -> None:
    before = store(tmp_path)
    mark = answered(before)
    before.close()
    path = segment.heads_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[2 * segment.HEAD_BYTES + 20] ^= 1
    path.write_bytes(data)
    answers = Answers(tmp_path, KEY, background=False)
    assert answers.open(NOW) == (1, 1, 1)
    found = answers.find(mark, NOW)
    assert found is not None
    assert found.kind == INTENT


def test_segments_roll_and_go_whole_once_all_in_them_has_expired(tmp_path: Path) -> None:
    answers = store(tmp_path, slots=5)
    early = [answered(answers, f"early-{n}".encode(), lives=3600.0) for n in range(4)]
    late = answered(answers, b"late", now=NOW + 3000.0, lives=3600.0)
    assert segment.numbers(tmp_path) == [1, 2, 3]
    assert all(answers.find(mark, NOW + 10) for mark in (*early, late))
    for minute in range(1, 4):
        answered(answers, f"new-{minute}".encode(), now=NOW + 3601.0 + 60 * minute)
    assert 1 not in segment.numbers(tmp_path)
    assert [answers.find(mark, NOW) for mark in early[:2]] == [None, None]
    assert answers.find(late, NOW + 4000.0) is not None


def test_a_segment_with_a_long_lived_key_stays(tmp_path: Path) -> None:
    before = store(tmp_path)
    answered(before, b"short", lives=60.0)
    long = answered(before, b"long", lives=30 * DAY)
    before.close()
    answers = Answers(tmp_path, KEY, background=False)
    assert answers.open(NOW + 20 * DAY).segments == 1
    assert answers.find(long, NOW + 20 * DAY) is not None
    again = Answers(tmp_path, KEY, background=False)
    assert again.open(NOW + 31 * DAY) == (0, 0, 0)
    assert list(tmp_path.iterdir()) == []


def test_restarts_leave_no_empty_files(tmp_path: Path) -> None:
    for _ in range(5):
        store(tmp_path).close()
    assert list(tmp_path.iterdir()) == []
    answered(store(tmp_path))
    store(tmp_path)
    assert segment.heads_path(tmp_path, 1).stat().st_size == 3 * segment.HEAD_BYTES


def test_a_full_disk_refuses_new_keys_and_still_takes_the_outcome_of_running_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = store(tmp_path, slots=8)
    running = [begun(answers, f"running-{n}".encode()) for n in range(3)]

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "allocate", full)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(AnswersFull, match="gets no room: No space left on device"):
        begun(answers, b"new")
    kinds = [answers.end(head, ANSWER, 200, Kept(b"", BODY)) for head in running]
    assert kinds == [UNKEPT] * 3
    assert [store(tmp_path).find(head.mark, NOW) for head in running] == [
        head._replace(kind=UNKEPT, status=200) for head in running
    ]


def test_the_bound_of_the_store_is_kept_by_refusing(tmp_path: Path) -> None:
    answers = store(tmp_path, slots=4, max_bytes=2 * 4 * segment.HEAD_BYTES + 200)
    for n in range(2):
        answered(answers, str(n).encode(), body=b"x" * 100)
    with pytest.raises(AnswersFull, match="holds 0 MB of at most 0 MB of keys that have not expired"):
        answered(answers, b"one more")


def test_where_forgetting_does_no_harm_the_oldest_make_room(tmp_path: Path) -> None:
    answers = store(tmp_path, slots=4, max_bytes=3 * 4 * segment.HEAD_BYTES + 600, rolls=True)
    for n in range(9):
        answered(answers, str(n).encode(), body=b"x" * 100)
    found = [answers.find(answers.mark(str(n).encode()), NOW) is not None for n in range(9)]
    assert found == sorted(found), "the oldest go first"
    assert found[-1]
    assert not found[0]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3 * 4 * segment.HEAD_BYTES + 600


def test_a_disk_that_fails_is_said_and_refuses_until_it_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = store(tmp_path)
    answered(answers, b"a")

    def broken(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_data", broken)
        answers.tend()
        with pytest.raises(AnswersFull, match="cannot be brought to the disk: Input/output error"):
            begun(answers, b"b")
    answers.tend()
    assert begun(answers, b"b").kind == INTENT


def test_a_store_that_could_not_be_opened_refuses_every_key(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("a file where the folder should be")
    answers = Answers(tmp_path / "answers", KEY)
    with pytest.raises(OSError, match="exists"):
        answers.open(NOW)
    with pytest.raises(AnswersFull, match="not open"):
        begun(answers)


def test_too_many_running_keys_are_refused_before_room_for_their_outcomes_lacks(tmp_path: Path) -> None:
    answers = store(tmp_path, slots=8)
    running = [begun(answers, str(n).encode()) for n in range(6)]
    with pytest.raises(AnswersFull, match="6 calls with a key run at once"):
        begun(answers, b"one more")
    assert {answers.end(head, DOUBT) for head in running} == {DOUBT}


class Crashes(RuleBasedStateMachine):
    """A store used, crashed and torn at random: what it said it had stored is there, and no used key ever looks new."""

    @initialize(slots=st.integers(8, 14))
    def first(self, slots: int) -> None:
        import tempfile

        self._place = tempfile.TemporaryDirectory()
        self.folder = Path(self._place.name)
        self.slots = slots
        self.now = NOW
        self.running: dict[bytes, Head] = {}
        self.stored: dict[bytes, tuple[int, bytes]] = {}
        self.answers = store(self.folder, slots=slots)

    def teardown(self) -> None:
        if hasattr(self, "answers"):
            self.answers.close()
            self._place.cleanup()

    @precondition(lambda self: len(self.running) < 3)
    @rule(name=st.binary(min_size=1, max_size=2))
    def begins(self, name: bytes) -> None:
        mark = self.answers.mark(name)
        if mark not in self.running:
            self.answers.begin(mark, mark, "call", self.now, self.now + DAY)
            head = self.answers.find(mark, self.now)
            assert head is not None
            self.running[mark], self.stored[mark] = head, (INTENT, b"")

    @precondition(lambda self: self.running)
    @rule(kind=st.sampled_from([ANSWER, UNKEPT, DOUBT, FREED]), body=st.binary(max_size=40))
    def ends(self, kind: int, body: bytes) -> None:
        mark, head = self.running.popitem()
        kept = Kept(b"f", body) if kind == ANSWER else None
        assert self.answers.end(head, kind, 200, kept) == kind
        self.stored[mark] = kind, body if kind == ANSWER else b""

    @rule(hours=st.floats(0.1, 30))
    def time_passes(self, hours: float) -> None:
        self.now += hours * 3600

    @rule(orderly=st.booleans())
    def restarts(self, orderly: bool) -> None:
        if orderly:
            self.answers.close()
        self.running.clear()
        self.answers = Answers(self.folder, KEY, background=False, slots=self.slots)
        self.answers.open(self.now)

    @precondition(lambda self: self.running)
    @rule(
        whole=st.integers(0, segment.HEAD_BYTES - 1),
        body=st.binary(min_size=1, max_size=40),
        at=st.integers(0, 60),
    )
    def is_killed_within_the_last_write(self, whole: int, body: bytes, at: int) -> None:
        """The outcome is being stored when the process dies: some bytes of its body and its head are there."""
        mark, head = self.running.popitem()
        self.answers.end(head, ANSWER, 200, Kept(b"f", body))
        writer = self.answers._writer
        assert writer is not None
        slot = (writer.next - 1) * segment.HEAD_BYTES
        with segment.heads_path(self.folder, writer.number).open("r+b") as file:
            file.seek(slot + whole)
            file.write(bytes(segment.HEAD_BYTES - whole))
        if whole == 0:
            bodies = segment.bodies_path(self.folder, writer.number)
            os.truncate(bodies, max(0, bodies.stat().st_size - at))
            for other, (kind, _) in list(self.stored.items()):
                if kind == ANSWER:
                    # A kill does not take back what an earlier call wrote; only a power cut does, and then the box is shut.
                    self.stored[other] = kind, b"?"
        self.restarts(orderly=False)
        found = self.answers.find(mark, self.now)
        if found is not None and found.kind == ANSWER:
            # The bytes that were not written are zeros, as those of this head would have been.
            self.stored[mark] = ANSWER, body if whole else b"?"

    @invariant()
    def what_was_stored_is_there(self) -> None:
        for mark, (kind, body) in getattr(self, "stored", {}).items():
            found = self.answers.find(mark, self.now)
            if found is None:
                place = self.answers._index.get(mark)
                head = self.answers._head(place) if place is not None else None
                assert head is None or head.expires_us <= self.now * 1e6
                continue
            assert found.kind == kind
            if kind == ANSWER and body != b"?":
                assert self.answers.read(found) == Kept(b"f", body)


Crashes.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
test_random_crashes = Crashes.TestCase

WRITER = """
import sys
from pathlib import Path
from trunkline.journal.answers import ANSWER, Answers, Kept
answers = Answers(Path(sys.argv[1]), b"answer key of the tests, 32 byte", slots=64)
answers.open({now})
say = open(1, 'wb', 0)
for n in range(10**6):
    mark = answers.mark(b"%d" % n)
    answers.begin(mark, mark, "call-%d" % n, {now}, {now} + 86400)
    say.write(b"b%d " % n)
    answers.end(answers.find(mark, {now}), ANSWER, 200, Kept(b"", b"%d" % n * 50))
    say.write(b"e%d " % n)
"""


@pytest.mark.row("Q2")
def test_a_killed_process_loses_nothing_that_it_had_stored(tmp_path: Path) -> None:
    dice = random.Random(20261121)
    for round_ in range(5):
        folder = tmp_path / str(round_)
        command = [sys.executable, "-c", WRITER.format(now=NOW), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            told = writer.stdout.read(dice.randrange(50, 4000))
            os.kill(writer.pid, signal.SIGKILL)
            told += writer.stdout.read()
        answers = store(folder)
        said = told.split(b" ")[:-1]
        ends = {word[1:] for word in said if word[:1] == b"e"}
        for name in {word[1:] for word in said}:
            head = answers.find(answers.mark(name), NOW)
            assert head is not None, name
            if name in ends:
                assert answers.read(head) == Kept(b"", name * 50)
        assert len(said) > 10


def test_it_reaches_the_disk_by_itself(tmp_path: Path) -> None:
    answers = Answers(tmp_path, KEY)
    answers.open(NOW)
    answered(answers)
    writer = answers._writer
    assert writer is not None
    eventually(lambda: writer._synced == writer.changed, "the disk to have it")
    answers.close()
