"""Reads a project's sources and finds what it calls: SDK imports, outbound hosts, credentials, and where clients are made.

`gather.look` reads a folder, `services.services_of` puts what was found together by vendor, `registry_text.py` and `plan.py` write what
`trunkline init` gives, `judge.py` what `trunkline scan` reports. No value of a credential leaves `secrets_seen.py`: what is kept of one is
its name, its place, at most its last four characters, and a keyed mark that tells two values apart.
Not for: what runs (`ops/health.py`), nor for letting calls through (`ops/egress`).
"""
