"""The CONNECT listener: clients that cannot go through the proxy reach declared hosts by it, and no others.

`hosts.py` says what is declared, `head.py` reads requests, `listener.py` and `tunnel.py` carry bytes, `counts.py` keeps what was refused.
A process of its own runs it (`trunkline/egress.py`): tunnels move bulk, and the gateway's loop is for calls. Nothing is journaled: what
passes is encrypted, so that only who, where to and how much can be known. Not for: calls through the proxy (`engine`).
"""
