"""Connections to other services over HTTP: their tokens go nowhere else, so nothing here follows a redirection."""

import http.client
import ssl
from urllib.parse import SplitResult

PIECE_BYTES = 1024 * 1024


def connection_to(where: SplitResult, *, timeout_s: float, ca_file: str) -> http.client.HTTPConnection:
    """Return a connection, not opened yet; for https, the certificate is proved with `ca_file` or the system's own.

    :raises OSError: if `ca_file` cannot be read. :raises ValueError: if the port is none.
    """
    host = where.hostname or ""
    if where.scheme != "https":
        return http.client.HTTPConnection(host, where.port, timeout=timeout_s, blocksize=PIECE_BYTES)
    context = ssl.create_default_context(cafile=ca_file or None)
    return http.client.HTTPSConnection(host, where.port, timeout=timeout_s, context=context, blocksize=PIECE_BYTES)
