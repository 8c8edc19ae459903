"""How sampling fares stands in the admin API and in the metrics; nothing that was sampled does."""

from __future__ import annotations

from trunkline.console.looking import Looking
from trunkline.core.codec import from_json, pack_decoder, to_pack

NOTHING = {
    "taken": 0, "dropped": 0, "unseen_files": 0, "looked": 0, "failed": 0, "damaged": 0, "waiting_bytes": 0,
    "lag_s": 0.0,
}  # fmt: skip


async def test_the_numbers_of_gateway_and_console_stand_beside_each_other(console, ask, state):
    assert (await ask("/api/samples")).json() == NOTHING
    path = state / "gateway.stats"
    told = pack_decoder(dict).decode(path.read_bytes())
    path.write_bytes(to_pack({**told, "samples": {"taken": 7, "dropped": 2, "waiting": 0, "unseen": 1}}))
    looking = console.looking = Looking(console.state, [], clock=console.clock)
    looking.looked = 5
    wanted = {**NOTHING, "taken": 7, "dropped": 2, "unseen_files": 1, "looked": 5}
    assert from_json((await ask("/api/samples")).body) == wanted
    metrics = (await ask("/metrics")).body.decode()
    assert "\ntrunkline_samples_looked 5\n" in metrics
    assert '\ntrunkline_gateway_samples{code="dropped"} 2\n' in metrics
