"""The plan as Markdown, for people.

Not for: what is planned (`plan.py`).
"""

from __future__ import annotations

from .plan import Move, Plan

PLACES_SHOWN = 4


def markdown(plan: Plan) -> str:
    """The whole page."""
    parts = [_head(plan), _integrations(plan), _moves(plan), _clients(plan), _questions(plan)]
    return "\n".join(part for part in parts if part)


def _head(plan: Plan) -> str:
    text = f"# Bringing this project's integrations under control\n\nWritten by `trunkline init` from {plan.files} files. "
    text += f"`{plan.registry}` holds an entry for each integration below; `trunkline check` says what is missing there.\n"
    if plan.not_read:
        text += f"\nNot read: {plan.not_read}.\n"
    return text


def _integrations(plan: Plan) -> str:
    if not plan.integrations:
        return "No call to an external API was found.\n"
    rows = [
        "## 1. What this project calls\n",
        "| integration | address | how | evidence |",
        "|---|---|---|---|",
    ]
    for one in plan.integrations:
        how = "through the proxy" if one.way == "proxy" else "its own client, let out by the CONNECT listener"
        if not one.base_url:
            how = "address unknown"
        more = f" and {len(one.evidence) - PLACES_SHOWN} more" if len(one.evidence) > PLACES_SHOWN else ""
        seen = ", ".join(f"`{_cell(place.split(' ')[0])}`" for place in one.evidence[:PLACES_SHOWN])
        rows.append(f"| {one.name} | {one.base_url or '?'} | {how} | {seen}{more} |")
    return "\n".join(rows) + "\n"


def _moves(plan: Plan) -> str:
    if not plan.moves:
        return ""
    lines = ["## 2. Move the credentials into the store\n"]
    lines.append(
        "Each command reads the value where it stands and never shows it; those without a value ask for it, unseen.\n"
    )
    put_on = [move for move in plan.moves if not move.held]
    if put_on:
        lines += [
            "Trunkline puts these on the requests; the product no longer has them:\n",
            *_commands(put_on),
        ]
    held = [move for move in plan.moves if move.held and not move.spare and not move.ci]
    if held:
        lines += [
            "The product goes on using these (OAuth clients, webhooks, signing clients); out of its files they go all the same:\n",
            *_commands(held),
        ]
    in_ci = [move for move in plan.moves if move.ci]
    if in_ci:
        why = "CI files hold these by value. Store them, have the job take them from CI's own secrets or start its command with "
        lines += [why + "`trunkline run`, and replace them at their vendors:\n", *_commands(in_ci)]
    spare = [move for move in plan.moves if move.spare]
    if spare:
        places = ", ".join(f"`{place}` ({move.service})" for move in spare for place in move.places)
        lines.append(
            f"Further keys of the same vendors stand in code: {places}. Nothing needs them once the clients are changed: "
            "take them out, and revoke them at their vendors.\n"
        )
    committed = [move.name for move in plan.moves if move.committed and not move.spare]
    if committed:
        lines.append(
            f"Git has the values of {', '.join(f'`{name}`' for name in committed)}: after the move, replace them at their vendors.\n"
        )
    lines.append("Then take the values out of the files. `trunkline scan` tells which are left.\n")
    if plan.own_secrets:
        own = ", ".join(f"`{name}`" for name in plan.own_secrets)
        lines.append(
            f"Secrets of the product itself, which no vendor gave and which may stay where they are: {own}.\n"
        )
    return "\n".join(lines)


def _commands(moves: list[Move]) -> list[str]:
    lines = ["```"]
    for move in moves:
        where = ", ".join(move.places[:PLACES_SHOWN])
        lines.append(f"{move.command}   # {move.service}; {where}")
    return [*lines, "```\n"]


def _clients(plan: Plan) -> str:
    open_sites = [site for site in plan.sites if not site.through]
    if not open_sites:
        return ""
    scopes = " ".join(
        f"--scope integration:{one.name}" for one in plan.integrations if one.way == "proxy" and one.base_url
    )
    lines = ["## 3. Change the clients\n", "A key for the product, in its environment as `TRUNKLINE_KEY`:\n"]
    lines += ["```", f"trunkline keys create --name app --kind sdk {scopes}".rstrip(), "```\n"]
    for path in dict.fromkeys(site.place.path for site in open_sites):
        lines.append(f"### {path}\n")
        for site in [site for site in open_sites if site.place.path == path]:
            lines.append(
                f"Line {site.place.line}, `{_cell(site.sdk)}`{f': {site.note}' if site.note else ''}\n"
            )
            if site.diff:
                lines += ["```diff", *site.diff[2:], "```\n"]
            if site.key:
                lines.append(f"The key: {site.key}.\n")
    return "\n".join(lines)


def _questions(plan: Plan) -> str:
    if not plan.integrations:
        return ""
    return "\n".join(["## 4. Open questions\n", *(f"- [ ] {question}" for question in plan.questions)]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")
