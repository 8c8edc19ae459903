"""Names and addresses: the cache, and which addresses may be reached."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from trunkline.wire.errors import AddressDenied, DnsError
from trunkline.wire.resolve import Resolver, denial, system_lookup

NEVER = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "169.254.169.254": "link-local",
    "169.254.170.2": "link-local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "febf::1": "link-local",
    "168.63.129.16": "metadata",
    "100.100.100.200": "metadata",
    "192.0.0.192": "metadata",
    "fd00:ec2::254": "metadata",
    "fd20:ce::254": "metadata",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "ff02::1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::ffff:169.254.169.254": "link-local",
    "::ffff:a9fe:a9fe": "link-local",
    "::169.254.169.254": "link-local",
    "64:ff9b::169.254.169.254": "link-local",
    "64:ff9b::a9fe:a9fe": "link-local",
    "64:ff9b:1::a9fe:a9fe": "link-local",
    "2002:a9fe:a9fe::1": "link-local",
    "2001:0:a9fe:a9fe::1": "link-local",
    "::ffff:0.0.0.0": "unspecified",
    "::ffff:224.0.0.1": "multicast",
    "not an address": "malformed",
    "": "malformed",
}
PRIVATE = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "private",
    "100.127.255.254": "private",
    "fc00::1": "private",
    "fd12:3456::1": "private",
    "fec0::1": "private",
    "192.0.0.1": "special-purpose",
    "192.0.2.1": "special-purpose",
    "198.18.0.1": "special-purpose",
    "198.51.100.1": "special-purpose",
    "203.0.113.1": "special-purpose",
    "2001:db8::1": "special-purpose",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:7f00:1": "loopback",
    "::127.0.0.1": "loopback",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::10.0.0.1": "private",
    "2002:7f00:1::": "loopback",
    "2002:c0a8:101::1": "private",
    "2001:0:7f00:1::f7f7:f7f7": "loopback",
    "2001:0:808:808::80ff:fffe": "loopback",
}
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
]
# Ways of writing 127.0.0.1, 169.254.169.254 or 0.0.0.0 that the system's resolver understands, or hosts that are none.
WRITTEN = [
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "0",
    "0x0",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ip6-localhost",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "user@127.0.0.1",
    "127.0.0.1@example.com",
    "example.com@127.0.0.1",
    "example.com#@127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.1/",
    "127.0.0.1%00",
    "127.0.0.1\r\nx: y",
    "127.0.0.1 ",
    " 127.0.0.1",
    "127.0.0.1\0.example.com",
    "[::1]",
    "[::]",
    "::ffff:7f00:1%1",
    "fe80::1%lo",
    "..",
    ".example.com",
    "",
]


@pytest.mark.row("S3")
@pytest.mark.parametrize(("address", "reason"), NEVER.items())
def test_some_addresses_are_never_reached(address: str, reason: str) -> None:
    assert (denial(address, private=False), denial(address, private=True)) == (reason, reason)


@pytest.mark.row("S3")
@pytest.mark.parametrize(("address", "reason"), PRIVATE.items())
def test_private_addresses_need_the_registrys_word(address: str, reason: str) -> None:
    assert (denial(address, private=False), denial(address, private=True)) == (reason, None)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert denial(address, private=False) is None


@pytest.mark.row("S3")
@pytest.mark.parametrize("host", WRITTEN)
async def test_no_way_of_writing_a_host_leads_to_a_denied_address(host: str) -> None:
    def offline(name: str) -> list[str]:
        if name.rstrip(".").lower() in ("localhost", "ip6-localhost"):
            return ["127.0.0.1", "::1"]
        assert re.fullmatch(r"[0-9a-fx.]+", name), f"a test must not ask the world for {name}"
        return system_lookup(name)

    with pytest.raises((AddressDenied, DnsError)):
        await Resolver(offline).resolve(host)


async def test_a_denied_name_is_told_with_its_addresses_and_the_cure() -> None:
    with pytest.raises(AddressDenied) as caught:
        await Resolver(lambda host: ["10.1.2.3", "::1"]).resolve("inner.example")
    assert str(caught.value) == (
        "inner.example leads to 10.1.2.3 (private), ::1 (loopback), which may not be reached: "
        "mark the integration `network: private` if this is meant"
    )
    with pytest.raises(AddressDenied) as caught:
        await Resolver(lambda host: ["169.254.169.254"]).resolve("meta.example", private=True)
    assert str(caught.value) == "meta.example leads to 169.254.169.254 (link-local), which may not be reached"
    assert not caught.value.sent


async def test_of_mixed_addresses_only_the_allowed_are_given() -> None:
    resolver = Resolver(lambda host: ["127.0.0.1", "1.1.1.1", "169.254.169.254", "8.8.8.8"])
    assert await resolver.resolve("mixed.example") == ["1.1.1.1", "8.8.8.8"]
    assert await resolver.resolve("mixed.example", private=True) == ["127.0.0.1", "1.1.1.1", "8.8.8.8"]


async def test_a_literal_address_asks_nobody() -> None:
    def never(host: str) -> list[str]:
        raise AssertionError(host)

    assert await Resolver(never).resolve("1.1.1.1") == ["1.1.1.1"]
    assert await Resolver(never).resolve("2606:4700::1") == ["2606:4700::1"]


class Book:
    """A directory that counts questions, and a clock."""

    def __init__(self) -> None:
        self.answers: list[str] = ["1.1.1.1"]
        self.asked: list[str] = []
        self.now = 0.0

    def look_up(self, host: str) -> list[str]:
        self.asked.append(host)
        if not self.answers:
            raise OSError(-2, "Name or service not known")
        return self.answers

    def resolver(self) -> Resolver:
        return Resolver(self.look_up, ttl_s=30, failure_ttl_s=1, stale_s=60, clock=lambda: self.now)


async def test_an_answer_is_kept_for_its_time() -> None:
    book = Book()
    resolver = book.resolver()
    assert await resolver.resolve("v.example") == ["1.1.1.1"]
    book.answers, book.now = ["8.8.8.8"], 29.9
    assert await resolver.resolve("v.example") == ["1.1.1.1"]
    book.now = 30.0
    assert await resolver.resolve("v.example") == ["8.8.8.8"]
    assert book.asked == ["v.example", "v.example"]


async def test_a_rebound_name_is_judged_anew() -> None:
    book = Book()
    resolver = book.resolver()
    assert await resolver.resolve("v.example") == ["1.1.1.1"]
    book.answers, book.now = ["127.0.0.1"], 31.0
    with pytest.raises(AddressDenied):
        await resolver.resolve("v.example")


async def test_an_old_answer_serves_while_there_is_no_new_one() -> None:
    book = Book()
    resolver = book.resolver()
    await resolver.resolve("v.example")
    book.answers, book.now = [], 40.0
    assert await resolver.resolve("v.example") == ["1.1.1.1"]
    assert await resolver.resolve("v.example") == ["1.1.1.1"]
    assert len(book.asked) == 2
    book.now = 91.0
    with pytest.raises(DnsError, match=r"cannot resolve v\.example: Name or service not known"):
        await resolver.resolve("v.example")


async def test_a_failure_is_kept_for_a_moment_only() -> None:
    book = Book()
    book.answers = []
    resolver = book.resolver()
    for now in (0.0, 0.9):
        book.now = now
        with pytest.raises(DnsError) as caught:
            await resolver.resolve("v.example")
        assert not caught.value.sent
    assert len(book.asked) == 1
    book.answers, book.now = ["1.1.1.1"], 1.0
    assert await resolver.resolve("v.example") == ["1.1.1.1"]


async def test_many_seekers_of_one_name_ask_once_and_one_who_leaves_takes_nothing_away() -> None:
    go = threading.Event()
    asked: list[str] = []

    def slow(host: str) -> list[str]:
        asked.append(host)
        assert go.wait(60)
        return ["1.1.1.1"]

    resolver = Resolver(slow)
    seekers = [asyncio.ensure_future(resolver.resolve("v.example")) for _ in range(5)]
    await asyncio.sleep(0)
    seekers[0].cancel()
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*seekers[1:]) == [["1.1.1.1"]] * 4
    assert seekers[0].cancelled()
    assert asked == ["v.example"]


async def test_a_hanging_name_does_not_hold_up_another() -> None:
    go = threading.Event()

    def lookup(host: str) -> list[str]:
        if host == "slow.example":
            assert go.wait(60)
        return ["1.1.1.1"]

    resolver = Resolver(lookup)
    slow = asyncio.ensure_future(resolver.resolve("slow.example"))
    assert await resolver.resolve("fast.example") == ["1.1.1.1"]
    assert not slow.done()
    go.set()
    assert await slow == ["1.1.1.1"]
