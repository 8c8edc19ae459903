"""The seams between the parts: what the engine needs of the wire, the journal, policies, dialects and authentication.

Protocols only, so that each side can be built, faked and tested alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec

if TYPE_CHECKING:
    import asyncio

    from trunkline.core.answer import Event, Reply
    from trunkline.core.conversation import Change, Request
    from trunkline.core.errors import CallError
    from trunkline.core.exchange import Attempt

T_contra = TypeVar("T_contra", contravariant=True)


class Policy(Protocol[T_contra]):
    """A rule over calls (an Exchange) or attempts (an Attempt)."""

    def admit(self, subject: T_contra) -> Awaitable[None] | None:
        """Refuses by raising CallError; returns an awaitable only when it must wait."""

    def settle(self, subject: T_contra) -> None:
        """Called exactly once if admitted, in reverse order, at the true end of the subject."""


@runtime_checkable
class Choosy(Protocol[T_contra]):
    """A policy that has nothing to do with most calls says so, and is not asked about them again."""

    def concerns(self, subject: T_contra) -> bool:
        """Whether it must be asked about calls with this head by this route, for as long as the same registry and the same
        callers are live. Nothing of the body or the moment may decide it.
        """


class Inbound(Protocol):
    """A request as the wire hands it over (wire/server.py)."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    fields: dict[bytes, bytes]
    body: bytes
    stream: Any
    peer: str
    secure: bool
    memo: dict[str, Any]


class Outbound(Protocol):
    """Where the answer goes (wire/server.py)."""

    closed: bool
    started: bool
    hangup: Callable[[], None] | None
    flow: Callable[[bool], None] | None

    def send(self, status: int, fields: bytes, body: bytes) -> None: ...
    def start(self, status: int, fields: bytes, length: int | None) -> None: ...
    def write(self, chunk: bytes) -> None: ...
    def end(self) -> None: ...
    def abort(self) -> None: ...


class Response(Protocol):
    """A vendor's answer in progress (wire/client.py)."""

    status: int
    headers: list[tuple[bytes, bytes]]
    fields: dict[bytes, bytes]
    complete: bool
    body: bytes
    sent: bool
    activity: float
    connected: bool
    waiter: Callable[[], None] | None
    """Called once, synchronously, when `ready` would be done."""

    @property
    def ready(self) -> asyncio.Future[Any]: ...
    @property
    def error(self) -> BaseException | None: ...
    def completed(self, body: bytes) -> None: ...
    async def read(self, limit: int) -> bytes: ...
    def relay(self, sink: Callable[[bytes], None]) -> asyncio.Future[None]: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def abort(self, error: Exception | None = None) -> None: ...


class Wire(Protocol):
    """Sends requests to vendors (wire/client.py)."""

    def open(
        self,
        origin: Any,
        method: bytes,
        head: bytes,
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        connect_timeout_s: float = 5.0,
    ) -> Any: ...


class Recorder(Protocol):
    """Keeps records (journal/append.py). Raises an OSError-like error when it cannot."""

    def append(self, payload: bytes) -> None: ...
    def append_end(self, payload: bytes) -> None:
        """For the end of what has begun: some room is kept back for it on a full disk."""


class Signer(Protocol):
    """How one credential is put on a request (plugins/auth). Its repr shows nothing."""

    fields: bytes
    """Header lines to add."""
    query: bytes
    """Query to add, already encoded, without `?` or `&`."""


class Renewal(Protocol):
    """A credential that may become another while the process runs: a token that is fetched, a secret that is read anew."""

    async def ready(self, within_s: float) -> None:
        """Returns once the member can be used or its `problem` tells why not; at the latest after so many seconds."""

    def refused(self, attempt: Attempt, error: CallError) -> None:
        """The vendor refused the credential: has a new one fetched and, once per call, the attempt made again."""

    async def renewed(self, attempt: Attempt, within_s: float) -> bool:
        """Whether there is another credential than the one that this attempt was made with; waits for it so long at most."""
        ...


class LimitTold(NamedTuple):
    """One limit as a vendor tells it in its header fields (engine/limits_told.py). `unit`: requests, tokens, input-tokens,
    output-tokens, content-bytes, concurrent-requests.
    """

    name: str
    unit: str
    limit: float | None = None
    remaining: float | None = None
    reset_at: float | None = None
    """Epoch seconds."""
    window_s: float | None = None
    refills: bool = False
    """What was used comes back steadily, and all of it is back at `reset_at`; else nothing comes back before."""


class Reading(msgspec.Struct, gc=False, eq=False):
    """What was read from a reply: usage and what it says of itself. Tokens are counts; -1 where the vendor said nothing."""

    input: int = -1
    """All input tokens, cached and cache-write ones included."""
    output: int = -1
    """All output tokens, reasoning included."""
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_cached: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_cached: int = 0
    image_output: int = 0
    fees: dict[str, int] = {}
    """As in `answer.Usage`; never changed in place."""
    tier: str = ""
    told_usd: float = -1.0
    said: dict[str, Any] | None = None
    """Of a vendor that tells its usage in pieces, what it has told so far."""
    model: str = ""
    finished: bool = False
    """A stream: its proper last event was seen."""
    events: int = 0
    """Of a stream, those that went to the caller."""
    text: int = 0
    """Bytes of text in them."""
    estimated: bool = False
    """What the vendor did not tell was guessed (engine/uncounted.py)."""
    binding: tuple[str, ...] = ()
    """What of it only the account that gave it knows: ids under which it is stored, content that it has encrypted."""
    plain: bool = False
    """A whole reply: usage stands in it and nothing speaks of a failure, so it need not be judged."""


class Adapter(Protocol):
    """A dialect (plugins/adapters): reads requests and replies of one wire format. Pure."""

    name: str

    def read(self, body: bytes, into: Reading) -> None:
        """Usage and model of a whole reply; bytes that are no such reply are passed over."""

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        """Looks at whole SSE events of a stream; returns the data of an event that is an error, else None."""

    def opens(self, block: bytes) -> bool:
        """Whether whole SSE events hold nothing yet that a caller would miss, so that the stream could still begin anew elsewhere."""


class Facts(NamedTuple):
    """What a codec may want to know of the target that it writes a request for."""

    model: str = ""
    """As the vendor names it."""
    integration: str = ""
    vendor: str = ""
    """Catalog entry; where vendors of one dialect differ, its variant goes by this."""
    max_output: int = 0
    """Most tokens that it can answer with; 0: not known."""


class Written(NamedTuple):
    """A request in a dialect: its body, and header lines that go with it."""

    body: bytes
    fields: bytes = b""


class Reader(Protocol):
    """Reads one stream of a dialect."""

    def feed(self, block: bytes) -> list[Event]:
        """What a block of whole SSE events says. Raises ValueError or DecodeError for what is none of this dialect's."""

    def finish(self) -> list[Event]:
        """What is still to be said when the vendor's side has properly ended; after `Ended`, nothing."""


class Writer(Protocol):
    """Writes one stream of a dialect."""

    def write(self, events: Iterable[Event]) -> bytes:
        """Whole SSE events, or nothing. With `Ended` come those that end the stream properly."""


class Codec(Protocol):
    """A dialect, read into and written from the canonical form (core/conversation.py). Stateless and pure.

    Reading raises Untranslatable (or what msgspec raises) for bytes that are none of the dialect's. Writing a request adds to
    `changes` all that the dialect cannot say or says otherwise; so does writing answers.
    """

    dialect: str
    kind: str
    """Only codecs of one kind translate into each other: `chat`, `embed`, `count`."""
    names: Mapping[str, str]
    """Members of Request -> what this dialect calls them, where it differs."""
    fields: tuple[bytes, ...]
    """Beginnings of header names that its vendors know; those of other dialects are not sent to them."""

    def method(self, stream: bool) -> tuple[str, bytes]:
        """What stands for `{method}` in the vendor's path, and the query."""

    def read_request(self, body: bytes, changes: list[Change]) -> Request: ...
    def write_request(self, request: Request, facts: Facts, changes: list[Change]) -> Written: ...
    def read_reply(self, body: bytes, asked: Request) -> Reply: ...
    def write_reply(self, reply: Reply, asked: Request, changes: list[Change]) -> bytes: ...
    def reader(self, asked: Request) -> Reader: ...
    def writer(self, asked: Request, changes: list[Change]) -> Writer: ...
