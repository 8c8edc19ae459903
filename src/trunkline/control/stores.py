"""Values from outside stores: asked by threads, believed for a while, kept when a store is down, sealed for the next start.

A store that gives no answer changes nothing: the last known value is used, and its age is told (`ops/stores.py`). A store that says
that a secret is gone changes nothing while Trunkline runs, either (ruling 22). Not for: how a store is asked (`plugins/secrets`),
nor what is published when (`reload.py`).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from trunkline.control.known import Known, keep, kept, moved
from trunkline.control.rotation import HELD, Order
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.outside import SCHEMES, StoreSettings, is_outside
from trunkline.ops import stores as seen
from trunkline.ops.stores import Seen
from trunkline.plugins.secrets import Given, Leasing, Outside, SecretUnavailable, Source, StoreDown, scheme_of
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.outside import open_store

FIRST_S = 6.0
"""How long a start or a reload waits for stores; what comes later is published when it comes."""
LONGEST_PAUSE_S = 60.0
STEP_S = 1.0
HELD_EVERY_S = 5.0
"""How often a store is asked while a rotation waits for its new value."""
RENEWED_SHARE = 0.3
"""A lease that can be prolonged to less than this share of its first length is near its longest life: a new one is fetched."""

Open = Callable[[str, StoreSettings, Mapping[str, str]], Outside]


class Stores:
    """The outside stores of one installation. `adopt` says which references count; a thread keeps them fresh once `start` is called."""

    def __init__(
        self,
        state: State,
        environ: Mapping[str, str],
        *,
        wall: Callable[[], float] = time.time,
        opened: Open = open_store,
        orders: Callable[[], Mapping[str, Sequence[Order]]] = dict,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._state = state
        self._environ = environ
        self._wall = wall
        self._open = opened
        self._orders_now = orders
        self._orders: Mapping[str, Sequence[Order]] = {}
        """Reference -> its rotations, the newest first."""
        self._chance = chance
        self._settings: dict[str, StoreSettings] = {}
        self._stores: dict[str, Outside] = {}
        self._known: dict[str, Known] = {}
        self._lock = threading.RLock()
        self._turns = {scheme: threading.Lock() for scheme in SCHEMES}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._remembered: dict[str, Known] | None = None

    def sources(self) -> dict[str, Source]:
        """A source for each kind of store."""
        return {scheme: _Cached(self, scheme) for scheme in SCHEMES}

    def adopt(
        self, settings: Mapping[str, StoreSettings], refs: Iterable[str], *, within_s: float = FIRST_S
    ) -> None:
        """From now on these references count as well; those that are new are asked for at once."""
        with self._lock:
            for scheme, one in settings.items():
                if self._settings.get(scheme) != one:
                    self._settings[scheme] = one
                    self._stores.pop(scheme, None)
            fresh = [ref for ref in dict.fromkeys(refs) if is_outside(ref) and ref not in self._known]
            for ref in fresh:
                self._known[ref] = self._remember(ref)
        if fresh:
            self._follow_orders()  # first: what a rotation holds back must not serve for having been asked for anew
            self.ask(fresh, within_s=within_s)

    def keep(self, refs: Iterable[str]) -> None:
        """Forgets every other reference, and its value."""
        with self._lock:
            kept = set(refs)
            gone = [ref for ref in self._known if ref not in kept]
            for ref in gone:
                del self._known[ref]
            if gone:
                self._save(values=True)

    def known(self, ref: str) -> Known | None:
        """What is known of a reference that counts."""
        with self._lock:
            return self._known.get(ref)

    def looked_up(self, ref: str) -> Known:
        """The same; one that does not count yet is asked for now."""
        found = self.known(ref)
        if found is None:
            self.adopt({}, [ref])
            found = self.known(ref)
        assert found is not None
        return found

    def again(self, refs: Iterable[str]) -> None:
        """Has stores asked once more, soon, whatever is believed."""
        with self._lock:
            for ref in refs:
                known = self._known.get(ref)
                if known is not None:
                    self._known[ref] = msgspec.structs.replace(known, due_at=0.0, lease="")
        self._wake.set()

    def ask(self, refs: Iterable[str], *, within_s: float) -> None:
        """Asks now, each store in a thread of its own; returns when all have answered, at the latest after so many seconds."""
        by_scheme: dict[str, list[str]] = {}
        for ref in refs:
            by_scheme.setdefault(scheme_of(ref)[0], []).append(ref)
        threads = [
            threading.Thread(target=self._ask_store, args=(scheme, each), name=f"store {scheme}", daemon=True)
            for scheme, each in by_scheme.items()
        ]
        until = time.monotonic() + within_s
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def step(self) -> None:
        """Does what rotations say, then asks for what is due."""
        self._follow_orders()
        now = self._wall()
        with self._lock:
            due = [ref for ref, known in self._known.items() if known.due_at <= now]
        if due:
            self.ask(due, within_s=FIRST_S)

    def start(self) -> None:
        """Keeps values fresh from now on. Does nothing while no outside store is used."""
        if self._thread is None and self._known:
            self._thread = threading.Thread(target=self._run, name="stores", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._ended = True
        self._wake.set()

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(STEP_S)
            self._wake.clear()
            self.step()

    def _ask_store(self, scheme: str, refs: list[str]) -> None:
        """One question at a time; a store that is away is not asked for the rest."""
        away: StoreDown | None = None
        with self._turns[scheme]:
            for ref in refs:
                before, began = self.known(ref), self._wall()
                if before is None:
                    continue
                try:
                    if away is not None:
                        raise away
                    self._take(ref, self._asked(scheme, before), began)
                except StoreDown as problem:
                    away = problem if problem.away else None
                    self._fail(ref, problem.why, problem.cure, began)
                except SecretUnavailable as problem:
                    self._fail(ref, problem.why, problem.cure, began, final=True)
                except Exception as problem:  # a defect in one reader must not end the thread that serves all
                    self._fail(ref, f"{scheme} could not be read ({type(problem).__name__})", "", began)

    def _asked(self, scheme: str, before: Known) -> Given:
        """A lease prolonged, or the value anew."""
        with self._lock:
            store = self._stores.get(scheme)
            if store is None:
                settings = self._settings.get(scheme, StoreSettings())
                store = self._stores[scheme] = self._open(scheme, settings, self._environ)
        if before.lease and before.value and isinstance(store, Leasing):
            left_s = store.renew(before.lease)
            if left_s >= before.life_s * RENEWED_SHARE:
                return Given(before.value, before.seen.version, left_s, before.lease)
        return store.fetch(scheme_of(before.seen.ref)[1])

    def _take(self, ref: str, given: Given, began: float) -> None:
        known = self.known(ref)
        if known is not None and given.value != known.value:
            self._follow_orders()  # a rotation may have begun while the store was asked
        with self._lock:
            before, now = self._known.get(ref), self._wall()
            if before is None:
                return
            changed = given.value != before.value
            if changed and self._held_back(ref, before, given, began):
                return
            told = msgspec.structs.replace(
                before.seen,
                version=given.version,
                checked_at=now,
                fetched_at=now if changed else before.seen.fetched_at,
                changed_at=now if changed and before.value else before.seen.changed_at,
                lease_ends_at=now + given.ttl_s if given.ttl_s else 0.0,
                failing_since=0.0,
                problem="",
                cure="",
                next_version="",
                next_at=0.0,
                next_of="",
            )
            self._known[ref] = Known(
                seen=told,
                value=given.value,
                serial=before.serial + changed,
                due_at=now + (given.ttl_s * 2 / 3 if given.ttl_s else self._cache_s(ref)),
                asked_at=began,
                lease=given.lease,
                life_s=before.life_s if given.lease and given.lease == before.lease else given.ttl_s,
                held=msgspec.structs.replace(before.held, next="", next_version="", refused=""),
            )
            self._save(values=changed or self._known[ref].held != before.held)

    def _held_back(self, ref: str, before: Known, given: Given, began: float) -> bool:
        """Whether another value than the one that serves must not serve: it is not proved yet, or was undone."""
        refused = bool(before.held.refused) and given.value == before.held.refused
        holding = self._holding(ref)
        if not before.value or not (refused or holding):
            return False
        replace, now, held = msgspec.structs.replace, self._wall(), before.held
        told = replace(before.seen, checked_at=now, failing_since=0.0, problem="", cure="")
        if (
            holding is not None
        ):  # also one that was undone: whoever began another rotation may want it proved once more
            since = told.next_at if held.next == given.value and told.next_at else now
            told = replace(told, next_version=given.version, next_at=since, next_of=holding.id)
            held = replace(held, next=given.value, next_version=given.version, of=holding.id)
        else:
            said, cure = "the store holds the value that was undone", "Put another one into it."
            told = replace(told, failing_since=before.seen.failing_since or now, problem=said, cure=cure)
        due_at = now + min(self._cache_s(ref), HELD_EVERY_S)
        self._known[ref] = replace(
            before, seen=told, held=held, due_at=due_at, asked_at=began, failures=0, final=False
        )
        self._save(values=held != before.held)
        return True

    def _holding(self, ref: str) -> Order | None:
        """The rotation that holds back what the store has."""
        return next((one for one in self._orders.get(ref, ())[:1] if one.state in HELD), None)

    def _follow_orders(self) -> None:
        """A promotion lets the next value serve, an undoing the one before; a store that waits for its new value is asked more often."""
        with self._lock:
            if not self._known:
                return
        orders = self._orders_now()
        with self._lock:
            soon = self._wall() + HELD_EVERY_S
            for ref, known in list(self._known.items()):
                after = moved(known, orders.get(ref, ()), self._wall())
                newest = next(iter(orders.get(ref, ())), None)
                if newest is not None and newest.state in HELD and after.due_at > soon:
                    after = msgspec.structs.replace(after, due_at=soon)
                self._known[ref] = after
                if after.held != known.held or after.value != known.value:
                    self._save(values=True)
            self._orders = orders

    def _fail(self, ref: str, why: str, cure: str, began: float, *, final: bool = False) -> None:
        with self._lock:
            before, now = self._known.get(ref), self._wall()
            if before is None:
                return
            value, told = before.value, before.seen
            if final and before.serial == 0 and value:
                # Remembered from the run before, and the store knows it no more: a start does not bring it back.
                value, told = "", msgspec.structs.replace(told, fetched_at=0.0, checked_at=0.0, version="")
            told = msgspec.structs.replace(
                told, failing_since=told.failing_since or now, problem=why, cure=cure
            )
            pause = min(LONGEST_PAUSE_S, 2.0**before.failures) * (1.0 - 0.2 * self._chance())
            self._known[ref] = msgspec.structs.replace(
                before,
                seen=told,
                value=value,
                serial=before.serial + (value != before.value),
                due_at=now + pause,
                asked_at=began,
                failures=min(before.failures + 1, 10),
                final=final,
            )
            self._save(values=value != before.value)

    def _cache_s(self, ref: str) -> float:
        return self._settings.get(scheme_of(ref)[0], StoreSettings()).cache_s

    def _remember(self, ref: str) -> Known:
        """What was known at the end of the run before."""
        if self._remembered is None:
            told = {one.ref: one for one in seen.read(self._state.path)}
            self._remembered = {
                name: Known(seen=told.get(name, Seen(ref=name)), value=value, held=held)
                for name, (value, held) in kept(self._state).items()
            }
        found = self._remembered.get(ref)
        return found or Known(seen=Seen(ref=ref, problem="the store has not answered yet"))

    def _save(self, *, values: bool) -> None:
        state = self._state
        told = [known.seen for _, known in sorted(self._known.items())]
        try:
            if values:
                keep(state, self._known.values())
            state.write(state.path / seen.FILE, codec.to_json(told) + b"\n")
        except (OSError, MasterKeyProblem):
            return  # what is in memory serves on; the next change tries again


class _Cached:
    """A kind of store as a source of the resolver: gives what is known, and asks only for what nobody has asked for yet."""

    def __init__(self, stores: Stores, scheme: str) -> None:
        self._stores = stores
        self._scheme = scheme

    def fetch(self, rest: str) -> str:
        known = self._stores.looked_up(f"{self._scheme}:{rest}")
        if not known.value:
            raise SecretUnavailable(known.seen.ref, known.seen.problem, known.seen.cure)
        return known.value

    def stamp(self, rest: str) -> object:
        known = self._stores.known(f"{self._scheme}:{rest}")
        return known and (known.serial, bool(known.value))

    def version(self, rest: str) -> str:
        known = self._stores.known(f"{self._scheme}:{rest}")
        return known.seen.version if known is not None else ""
