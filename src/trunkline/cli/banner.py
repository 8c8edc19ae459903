"""What `trunkline serve` says when it is ready: addresses, the first key, what is real and what is simulated, calls to copy.

Pure but for reading the published snapshot. No credential of a vendor is ever here.
"""

from __future__ import annotations

from trunkline.control.published import read_sealed, read_snapshot
from trunkline.control.state import State
from trunkline.core.service import Service, Snapshot
from trunkline.settings import Settings

KEY_STANDS_FOR = "$TRUNKLINE_KEY"


def text(state: State, settings: Settings, first_key: str, *, show_link: bool = False) -> str:
    """The whole banner. `show_link`: with a link that signs in, for who may see it."""
    there = read_snapshot(state)
    sealed = read_sealed(state, state.master_key())
    missing = sealed.missing if sealed else {}
    scheme = "https" if settings.tls_cert else "http"
    base = f"{scheme}://{reachable(settings.host)}:{settings.port}"
    lines = ["", f"Trunkline serves {base}"]
    lines += _console(state, settings, base, show_link)
    if there is not None:
        lines += _integrations(there, missing)
        lines += [
            f"  Note            {note}" for note in there.notes if "played by the simulator" not in note
        ]
    lines += _faults(state)
    lines += _key(first_key)
    if there is not None:
        lines += _examples(there, missing, base, first_key or KEY_STANDS_FOR)
    return "\n".join([*lines, ""])


def _console(state: State, settings: Settings, base: str, show_link: bool) -> list[str]:
    own = f"http://{reachable(settings.console_host)}:{settings.console_port}"
    address = f"{base}/console" if settings.one_port else own
    if not show_link:
        return [f"  Console         {address}   (sign in with the token in {state.admin_token})"]
    from trunkline.control.sessions import make_link

    link = make_link(state, actor="serve")
    return [
        f"  Console         {address}/sign-in?link={link}",
        "                  (opens once, within 10 minutes; `trunkline console open` makes another)",
    ]


def _integrations(there: Snapshot, missing: dict[str, str]) -> list[str]:
    groups: dict[str, list[str]] = {"Real": [], "Simulated": [], "Not usable": []}
    for service in there.services:
        if service.enabled:
            groups[_group(service, missing)].append(service.name)
    lines = [f"  {name:<15} {', '.join(members)}" for name, members in groups.items() if members]
    if groups["Not usable"]:
        lines.append("                  `trunkline integrations` says why and what to do.")
    return lines


def _faults(state: State) -> list[str]:
    """What somebody made fail on purpose (F12) and is still in force."""
    import time

    from trunkline.control.faults import FaultProblem, listed

    try:
        there = listed(state, time.time())
    except FaultProblem as problem:
        return [f"  Faults          {problem}"]
    return [
        f"  Fault set       {one.integration}: {one.fault} for {one.share:.0%} of attempts" for one in there
    ]


def _group(service: Service, missing: dict[str, str]) -> str:
    if service.simulated:
        return "Simulated"
    lacking = service.credentials and all(credential.ref in missing for credential in service.credentials)
    return "Not usable" if service.problem or lacking else "Real"


def _key(first_key: str) -> list[str]:
    if first_key:
        return [
            "",
            f"  First key       {first_key}",
            "                  (shown this once; `trunkline keys create` makes more)",
        ]
    return ["  Keys            `trunkline keys list` shows them, `trunkline keys create` makes one"]


def _examples(there: Snapshot, missing: dict[str, str], base: str, key: str) -> list[str]:
    names = {service.name: service for service in there.services if service.enabled}
    lines: list[str] = []
    if "openai" in names:
        real = _group(names["openai"], missing) == "Real"
        cost = "costs a fraction of a cent: the key is real" if real else "free: simulated"
        lines += ["", f"Try it, with curl ({cost}):", "", *_curl(base, key)]
        lines += ["", f"with the OpenAI SDK (the same call; {cost}):", "", *_openai(base, key)]
    if "stripe" in names:
        lines += ["", "with the Stripe SDK (reads only):", "", *_stripe(base, key)]
    return lines


def _curl(base: str, key: str) -> list[str]:
    return [
        f"  curl {base}/v1/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\".replace(
            f"'Authorization: Bearer {KEY_STANDS_FOR}'", f'"Authorization: Bearer {KEY_STANDS_FOR}"'
        ),
        """    -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]}'""",
    ]


def _openai(base: str, key: str) -> list[str]:
    return [
        *_imports("from openai import OpenAI", key),
        f'  client = OpenAI(base_url="{base}/v1", api_key={_in_python(key)})',
        '  print(client.chat.completions.create(model="openai/gpt-4o-mini", messages=[{"role": "user", "content": "Say hello"}]))',
    ]


def _stripe(base: str, key: str) -> list[str]:
    return [
        *_imports("import stripe", key),
        f'  client = stripe.StripeClient({_in_python(key)}, base_addresses={{"api": "{base}/api/proxy/stripe"}})',
        "  print(client.v1.customers.list())",
    ]


def _imports(line: str, key: str) -> list[str]:
    return [*(["  import os"] if key == KEY_STANDS_FOR else []), f"  {line}"]


def _in_python(key: str) -> str:
    """A Python text does not know the shell's variables."""
    return 'os.environ["TRUNKLINE_KEY"]' if key == KEY_STANDS_FOR else f'"{key}"'


def reachable(host: str) -> str:
    """An address by which a listening one is reached from this machine, as a URL has it."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (a comparison)
    return f"[{shown}]" if ":" in shown else shown
