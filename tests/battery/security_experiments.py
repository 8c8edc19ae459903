"""The experiments of security (S1 to S15) and of use at the command line, one row each. Most are shown by ordinary tests too.

Not for: doing them (`test_security.py`, and the tests that each row names).
"""

from __future__ import annotations

from tests.battery.experiment import Experiment

SECURITY: tuple[Experiment, ...] = (
    Experiment(
        "S1",
        "raw requests that two readers could read in two ways, whole, byte by byte and cut at every place",
        "each gets its verdict; what is accepted is exactly what the vendor saw",
        "a table of our own after the RFCs, and h1spec's own cases where a clone of it is named",
        tests=(
            "tests/wire_table/test_requests.py",
            "tests/wire_table/test_sockets.py",
            "tests/flows/test_smuggling.py",
        ),
    ),
    Experiment(
        "S2",
        "CR, LF and NUL, raw and encoded, in headers, path, query, model, subject and file name",
        "no header at the vendor, no line in a log that was not ours",
        tests=("tests/flows/test_injection.py", "tests/unit/cli/test_show.py"),
    ),
    Experiment(
        "S3",
        "every known form of an address that leads elsewhere",
        "no connection to a forbidden range, no credential to a host outside the registry",
        tests=("tests/flows/test_durability_astray.py",),
    ),
    Experiment(
        "S4",
        "paths that climb, are encoded twice, are absolute",
        "never the credential of one at the host of another",
        tests=("tests/flows/test_durability_astray.py", "tests/flows/test_paths.py"),
    ),
    Experiment(
        "S5",
        "every route of gateway and console with every identity, made from the tables that they are served by",
        "no deviation; a route that is not in the table fails",
        tests=("tests/flows/test_route_matrix.py", "tests/unit/console/test_matrix.py"),
    ),
    Experiment(
        "S6",
        "two tenants: every reading route, exports, live tail, search, answers that are kept",
        "nothing of the other's",
        tests=(
            "tests/unit/console/test_tenants.py",
            "tests/unit/plugins/policies/test_cache_key.py",
            "tests/flows/test_route_matrix.py",
        ),
    ),
    Experiment(
        "S7",
        "200 secrets through header, query, JSON, form, multipart, stream, failure, echo, base64 and URL encoding",
        "found nowhere but in the sealed store",
        tests=("tests/flows/test_durability_secrets.py",),
    ),
    Experiment(
        "S8",
        "hosts that hold a path, foreign hosts and origins, every change without its CSRF token",
        "nothing told, nothing done",
        tests=("tests/unit/console/test_foreign.py", "tests/unit/console/test_guard.py"),
    ),
    Experiment(
        "S9",
        "markup as prompt, answer, header, name, runbook, on every page",
        "all of it text; a policy that runs and loads nothing",
        "by a real browser (Chromium), and by a parser that knows what we write",
        tests=("tests/unit/console/test_untrusted_text.py", "tests/unit/console/test_markdown.py"),
    ),
    Experiment(
        "S10",
        "empty signing secret, weak password, files that others read, every address without identity",
        "refused, with the line that mends it",
        tests=(
            "tests/unit/control/test_exposed.py",
            "tests/unit/control/test_signing.py",
            "tests/unit/control/test_passwords.py",
        ),
    ),
    Experiment(
        "S11",
        "SQL, patterns and any text in Authorization, filters, sort keys and ids; sqlmap at level 3",
        "0 findings; text is text; a search takes 200 ms at most",
        "sqlmap without the techniques that judge by time",
        tests=("tests/unit/console/test_hostile_queries.py",),
    ),
    Experiment(
        "S12",
        "a key that asks for more scopes, more time, another team, everything",
        "refused when it is made, and when its maker has less",
        tests=("tests/unit/control/test_bounds.py", "tests/unit/console/test_callers.py"),
    ),
    Experiment(
        "S13",
        "10,000 wrong keys",
        "as long for each (5 %), locked out, no flood in log, journal or audit",
        "how long a refusal takes is measured inside the process, without the network",
        tests=(
            "tests/unit/plugins/policies/test_access_lockout.py",
            "tests/unit/control/test_lockout.py",
        ),
    ),
    Experiment(
        "S14",
        "the wheel beside the source tree, installed by hashes",
        "the same files, no .pth, at most 30 distributions",
        "the first figure was 15 distributions; 30 with all that they need is what was settled",
    ),
    Experiment(
        "S15",
        "gzip bomb, 1 GB upload, JSON 100 deep, a million items, from a caller",
        "ended in 1 s; memory + 50 MB at most",
        tests=("tests/flows/test_durability_bulk.py",),
    ),
)

USE: tuple[Experiment, ...] = (
    Experiment(
        "U5",
        "every command: help, exit codes, JSON",
        "JSON where it reads; documented codes; help in 300 ms",
        tests=("tests/unit/cli/test_every_command.py",),
    ),
)
