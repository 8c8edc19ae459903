"""Values of outside stores: believed for a while, kept when a store is down, sealed for the next start, never shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from trunkline.control import secrets
from trunkline.control.known import Held, Known, kept, moved
from trunkline.control.rotation import Order, RotationState
from trunkline.control.state import State
from trunkline.control.stores import Stores
from trunkline.core.outside import StoreSettings
from trunkline.ops import stores as seen
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown

pytestmark = pytest.mark.row("S1", "S2")
REF, OTHER = "vault:secret/stripe#key", "vault:secret/crm#key"
SETTINGS = {"vault": StoreSettings(cache_s=60.0)}


class Play:
    """A store that answers as the test says."""

    def __init__(self) -> None:
        self.values: dict[str, Given | Exception] = {"secret/stripe#key": Given("value-1-not-real", "1")}
        self.asked: list[str] = []
        self.renewed: list[str] = []
        self.left_s = 40.0

    def fetch(self, rest: str) -> Given:
        self.asked.append(rest)
        found = self.values[rest]
        if isinstance(found, Exception):
            raise found
        return found

    def renew(self, lease: str) -> float:
        self.renewed.append(lease)
        return self.left_s


class Stage:
    """Stores of one state folder, on a clock of the test's."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state", {}).create()
        self.play = Play()
        self.now = 1000.0
        self.stores = self.made()

    def made(self) -> Stores:
        """As after a start."""
        return Stores(self.state, {}, wall=lambda: self.now, opened=lambda *_: self.play, chance=lambda: 0.0)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.stores.step()

    def value(self, ref: str = REF) -> str:
        scheme, _, rest = ref.partition(":")
        return self.stores.sources()[scheme].fetch(rest)

    @property
    def told(self) -> seen.Seen:
        return seen.read(self.state.path)[0]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


DOWN = StoreDown("vault at vault.test cannot be reached (refused)", away=True)


def test_a_value_is_asked_for_once_and_believed_for_a_while(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    assert (stage.value(), stage.stores.sources()["vault"].version("secret/stripe#key")) == (
        "value-1-not-real",
        "1",
    )
    stage.passes(59)
    assert len(stage.play.asked) == 1
    stage.passes(2)
    assert len(stage.play.asked) == 2
    assert (stage.told.fetched_at, stage.told.checked_at, stage.told.changed_at) == (1000.0, 1061.0, 0.0)


def test_a_new_value_is_seen_and_changes_the_stamp(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    source = stage.stores.sources()["vault"]
    stamp = source.stamp("secret/stripe#key")
    stage.play.values["secret/stripe#key"] = Given("value-2-not-real", "2")
    stage.passes(61)
    assert source.stamp("secret/stripe#key") != stamp
    assert (stage.value(), stage.told.version, stage.told.changed_at) == ("value-2-not-real", "2", 1061.0)


@pytest.mark.parametrize(
    "trouble", [DOWN, SecretUnavailable(REF, "there is no secret at this path", "Write it.")]
)
def test_the_last_known_value_is_used_and_its_age_told(stage: Stage, trouble: Exception) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    stage.play.values["secret/stripe#key"] = trouble
    stage.passes(61)
    assert stage.value() == "value-1-not-real"
    (told,) = seen.told([stage.told], stage.now + 600)
    assert (told["state"], told["age_s"]) == ("last_known", 661.0)
    assert "is used as it was 11 min ago" in seen.words(stage.told, stage.now + 600)
    assert [f["severity"] for f in seen.findings([stage.told], stage.now)] == ["warning"]
    stage.play.values["secret/stripe#key"] = Given("value-2-not-real", "2")
    stage.passes(61)
    assert (stage.value(), stage.told.problem, stage.told.failing_since) == ("value-2-not-real", "", 0.0)


def test_a_store_that_is_down_is_asked_again_with_growing_patience(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    stage.play.values["secret/stripe#key"] = DOWN
    stage.passes(61)
    pauses = []
    for _ in range(9):
        asked, waited = len(stage.play.asked), 0
        while len(stage.play.asked) == asked:
            stage.passes(1)
            waited += 1
        pauses.append(waited)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_start_while_the_store_is_down_goes_on_with_what_was_known(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    stage.play.values["secret/stripe#key"] = DOWN
    stage.now += 3600
    stage.stores = stage.made()
    stage.stores.adopt(SETTINGS, [REF])
    assert stage.value() == "value-1-not-real"
    assert (stage.told.fetched_at, stage.told.failing_since) == (1000.0, 4600.0)


def test_a_start_after_the_secret_was_deleted_in_the_store_does_not_bring_it_back(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    stage.play.values["secret/stripe#key"] = SecretUnavailable(REF, "this version was deleted", "Write it.")
    stage.stores = stage.made()
    stage.stores.adopt(SETTINGS, [REF])
    with pytest.raises(SecretUnavailable, match="this version was deleted"):
        stage.value()
    assert b"value-1" not in b"".join(p.read_bytes() for p in stage.state.path.rglob("*") if p.is_file())


def test_nothing_known_and_no_answer_is_missing_with_the_cause(stage: Stage) -> None:
    stage.play.values["secret/stripe#key"] = DOWN
    stage.stores.adopt(SETTINGS, [REF])
    with pytest.raises(SecretUnavailable, match="cannot be reached"):
        stage.value()
    assert [f["severity"] for f in seen.findings([stage.told], stage.now)] == ["error"]


def test_a_store_that_is_away_is_asked_once_for_all_of_its_secrets(stage: Stage) -> None:
    stage.play.values |= {"secret/stripe#key": DOWN, "secret/crm#key": Given("crm-not-real")}
    stage.stores.adopt(SETTINGS, [REF, OTHER])
    assert stage.play.asked == ["secret/stripe#key"]
    stage.play.values["secret/stripe#key"] = StoreDown("vault does not let us in")
    stage.passes(5)
    assert stage.value(OTHER) == "crm-not-real"


def test_a_lease_is_prolonged_until_it_is_near_its_longest_life(stage: Stage) -> None:
    stage.play.values["secret/stripe#key"] = Given("user-1-not-real", "abc123", 60.0, "lease/abc123")
    stage.stores.adopt(SETTINGS, [REF])
    stage.passes(39)
    assert stage.play.renewed == []
    stage.passes(2)
    assert (stage.play.renewed, len(stage.play.asked)) == (["lease/abc123"], 1)
    assert stage.told.lease_ends_at == 1081.0
    stage.play.left_s = 10.0
    stage.play.values["secret/stripe#key"] = Given("user-2-not-real", "def456", 60.0, "lease/def456")
    stage.passes(30)
    assert (stage.value(), len(stage.play.asked)) == ("user-2-not-real", 2)


def test_asked_again_it_looks_at_once(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    stage.stores.again([REF, OTHER])
    stage.stores.step()
    assert len(stage.play.asked) == 2


def test_what_the_registry_names_no_more_is_forgotten(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    stage.stores.keep([OTHER])
    assert (stage.stores.known(REF), seen.read(stage.state.path)) == (None, [])
    stage.stores = stage.made()
    stage.play.values["secret/stripe#key"] = DOWN
    stage.stores.adopt(SETTINGS, [REF])
    with pytest.raises(SecretUnavailable):
        stage.value()


def test_a_defect_in_a_reader_is_that_references_trouble(stage: Stage) -> None:
    stage.play.values["secret/stripe#key"] = KeyError("a defect with value-not-real")
    stage.stores.adopt(SETTINGS, [REF])
    assert stage.told.problem == "vault could not be read (KeyError)"


def test_no_value_stands_in_the_open(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    files = [path for path in stage.state.path.rglob("*") if path.is_file()]
    assert {"stores.json", "stores.sealed"} <= {path.name for path in files}
    assert not any(b"not-real" in path.read_bytes() for path in files)
    known = stage.stores.known(REF)
    assert isinstance(known, Known)
    assert "not-real" not in repr(known)


def test_a_new_master_key_seals_it_anew(stage: Stage) -> None:
    stage.stores.adopt(SETTINGS, [REF])
    secrets.rotate_master(stage.state)
    stage.play.values["secret/stripe#key"] = DOWN
    stage.stores = stage.made()
    stage.stores.adopt(SETTINGS, [REF])
    assert stage.value() == "value-1-not-real"


# Rotations: what the store holds does not serve before it is proved.


class Rotating(Stage):
    """The same with rotations in the states that the test says, the newest first."""

    orders: tuple[Order, ...] = ()

    def made(self) -> Stores:
        return Stores(
            self.state,
            {},
            wall=lambda: self.now,
            opened=lambda *_: self.play,
            orders=lambda: {REF: self.orders} if self.orders else {},
            chance=lambda: 0.0,
        )

    def put(self, number: int) -> None:
        self.play.values["secret/stripe#key"] = Given(f"value-{number}-not-real", str(number))

    def goes(self, *states: RotationState) -> None:
        """The newest rotation first; a rotation keeps its id when others come after it."""
        self.orders = tuple(Order(f"rot_{len(states) - place}", state) for place, state in enumerate(states))
        self.stores.step()

    @property
    def serves(self) -> tuple[str, str]:
        return self.value(), self.stores.sources()["vault"].version("secret/stripe#key")


FIRST, SECOND, THIRD = [(f"value-{n}-not-real", str(n)) for n in (1, 2, 3)]


@pytest.fixture
def rotating(tmp_path: Path) -> Rotating:
    made = Rotating(tmp_path)
    made.stores.adopt({"vault": StoreSettings(cache_s=3600.0)}, [REF])
    return made


@pytest.mark.row("S3")
def test_a_new_value_waits_until_it_is_promoted(rotating: Rotating) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)  # although the cache would believe for an hour
    assert (rotating.serves, rotating.told.next_version, rotating.told.next_at) == (FIRST, "2", 1005.0)
    for state in ("added", "verified"):
        rotating.goes(state)
        rotating.passes(60)
        assert rotating.serves == FIRST
    rotating.goes("promoted")
    assert (rotating.serves, rotating.told.next_version, rotating.told.changed_at) == (
        SECOND,
        "",
        rotating.now,
    )
    rotating.goes("idle")
    assert kept(rotating.state)[REF][1].before == "value-1-not-real"
    rotating.goes("done")
    assert kept(rotating.state)[REF] == ("value-2-not-real", Held())


@pytest.mark.row("S3")
def test_what_was_refused_before_it_served_does_not_come_back_by_the_cache(rotating: Rotating) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    rotating.goes("abandoned")
    rotating.passes(7200)
    assert rotating.serves == FIRST
    assert rotating.told.problem == "the store holds the value that was undone"
    rotating.put(3)
    rotating.passes(5)
    assert (rotating.serves, rotating.told.problem) == (THIRD, "")


@pytest.mark.row("S3")
def test_an_undone_promotion_serves_the_old_value_although_the_store_holds_the_new_one(
    rotating: Rotating,
) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    rotating.goes("promoted")
    rotating.goes("rolled_back")
    rotating.passes(7200)
    assert rotating.serves == FIRST
    rotating.put(1)  # the old one is put back
    rotating.passes(5)
    assert (rotating.serves, rotating.told.problem) == (FIRST, "")
    rotating.put(3)
    rotating.passes(3601)
    assert rotating.serves == THIRD


@pytest.mark.row("S3")
def test_it_goes_on_after_a_start(rotating: Rotating) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    rotating.stores = rotating.made()
    rotating.stores.adopt(SETTINGS, [REF])
    rotating.goes("verified")
    assert rotating.serves == FIRST
    rotating.goes("promoted")
    assert rotating.serves == SECOND
    rotating.stores = rotating.made()
    rotating.stores.adopt(SETTINGS, [REF])
    rotating.goes("rolled_back")
    assert rotating.serves == FIRST
    assert not any(
        b"not-real" in path.read_bytes() for path in rotating.state.path.rglob("*") if path.is_file()
    )


@pytest.mark.row("S3")
def test_a_rotation_begun_at_once_after_another_does_not_take_over_what_was_undone(
    rotating: Rotating,
) -> None:
    """Ended and begun anew between two looks of the keeper."""
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    assert rotating.told.next_of == "rot_1"
    for ended in ("abandoned", "rolled_back"):
        rotating.goes("promoted", ended)  # the second one, of which this value never was
        assert rotating.serves == FIRST


@pytest.mark.row("S3")
def test_a_rotation_begun_anew_is_given_what_the_store_holds_to_be_proved_again(rotating: Rotating) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    rotating.goes("awaiting", "abandoned")
    rotating.passes(5)
    assert (rotating.serves, rotating.told.next_of, rotating.told.problem) == (FIRST, "rot_2", "")
    rotating.goes("promoted", "abandoned")
    assert rotating.serves == SECOND


@pytest.mark.row("S3")
def test_another_value_during_a_rotation_has_another_time(rotating: Rotating) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    first = rotating.told.next_at
    rotating.passes(5)
    assert rotating.told.next_at == first
    rotating.goes("added")
    rotating.put(3)
    rotating.passes(5)
    assert (rotating.told.next_at, rotating.told.next_version) == (first + 10, "3")
    rotating.put(1)  # put back: there is nothing to prove any more
    rotating.passes(5)
    assert (rotating.told.next_at, rotating.told.next_of, rotating.serves) == (0.0, "", FIRST)


@pytest.mark.row("S3")
def test_a_value_put_while_the_store_was_being_asked_is_held_back_by_a_rotation_begun_meanwhile(
    rotating: Rotating,
) -> None:
    rotating.passes(3600)
    fetch = rotating.play.fetch

    def slow(rest: str) -> Given:
        rotating.orders = (Order("rot_1", "awaiting"),)
        rotating.put(2)
        return fetch(rest)

    rotating.play.fetch = slow  # type: ignore[method-assign]
    rotating.passes(3600)
    assert (rotating.serves, rotating.told.next_of) == (FIRST, "rot_1")


@pytest.mark.row("S3")
def test_a_value_held_back_by_an_older_version_is_the_newest_rotations(rotating: Rotating) -> None:
    rotating.goes("awaiting")
    rotating.put(2)
    rotating.passes(5)
    known = rotating.stores.known(REF)
    assert known is not None
    old = msgspec.structs.replace(known, held=msgspec.structs.replace(known.held, of=""))
    assert moved(old, [Order("rot_1", "verified")], 0.0) is old
    assert moved(old, [Order("rot_1", "promoted")], 0.0).value == "value-2-not-real"
