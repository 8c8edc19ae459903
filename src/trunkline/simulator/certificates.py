"""TLS for the simulator: an authority and server certificates made on the spot, good ones and bad ones.

Not for: anything but tests on loopback; the keys live as long as the process. Imported only when TLS is asked for.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

AUTHORITY_FILE = "simulator-ca.pem"
KINDS = ("valid", "expired", "wrong_host", "self_signed")


def contexts(folder: Path, kinds: list[str]) -> dict[str, ssl.SSLContext]:
    """A server context for each kind, and the authority's certificate in `folder`. Raises ValueError for an unknown kind."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"No TLS kind {unknown[0]!r}; there are {', '.join(KINDS)}.")
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Trunkline simulator test authority")
    authority = _certificate(name, name, key, key, [], days=(-1, 30), authority=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / AUTHORITY_FILE).write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    return {kind: _context(kind, name, key) for kind in kinds}


def _context(kind: str, issuer: x509.Name, issuer_key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    own = _name(f"simulator {kind}")
    hosts = ["other.example"] if kind == "wrong_host" else ["localhost", "127.0.0.1"]
    days = (-30, -1) if kind == "expired" else (-1, 30)
    alone = kind == "self_signed"
    certificate = _certificate(own, own if alone else issuer, key, key if alone else issuer_key, hosts, days)
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    handle, file = tempfile.mkstemp()  # the ssl module reads keys from files only; mkstemp makes it 0600
    try:
        os.write(handle, pem)
        os.close(handle)
        context.load_cert_chain(file)
    finally:
        Path(file).unlink()
    return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    hosts: list[str],
    days: tuple[int, int],
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if hosts:
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
            for host in hosts
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
