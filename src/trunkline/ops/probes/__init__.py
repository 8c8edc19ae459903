"""Looks at integrations when nobody calls them: free calls that the catalog declares, and their vendors' status pages.

Made by the console process with the wire's client, never through the gateway: they are no calls of any caller, are never billed and
stand in no ledger. Not for: what they mean for health (`ops/health.py`).
"""
