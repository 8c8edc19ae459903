"""Bytes: HTTP/1.1 server and client, connection pool, SSE, TLS. Knows nothing of calls, routes or vendors."""
