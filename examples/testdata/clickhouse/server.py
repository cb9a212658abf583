"""ClickHouse's HTTP interface before its own engine, for tests.

No package that a test could install has a ClickHouse server of this decade, but chdb is ClickHouse's
engine as a library: it parses, stores and answers as the server does. What this adds is the part of the
HTTP interface that clickhouse-go uses, without compression.
"""

import json
import struct
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb import session

engine = session.Session(sys.argv[2])
one = threading.Lock()  # clients keep their connections; the session is for one at a time
integers = {"UInt8": "<B", "UInt16": "<H", "UInt32": "<I", "UInt64": "<Q"}


def number(n: int) -> bytes:
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def text(s: str) -> bytes:
    return number(len(s.encode())) + s.encode()


def block(result: dict) -> bytes:
    """The result as clickhouse-go reads it, which is Native with the head that a server of its protocol's version gives."""
    out = b"\x01\x00\x02\xff\xff\xff\xff\x00" + number(len(result["meta"])) + number(len(result["data"]))
    for i, column in enumerate(result["meta"]):
        out += text(column["name"]) + text(column["type"]) + b"\x00"
        for row in result["data"]:
            out += struct.pack(integers[column["type"]], int(row[i])) if column["type"] in integers else text(row[i])
    return out


def answer(query: str, database: str, body: bytes) -> bytes:
    if database:
        engine.query(f"USE `{database}`")
    if not query:
        query, body = body.decode(), b""
    if body and query.lstrip().upper().startswith("INSERT"):
        into, _, form = query.rpartition(" FORMAT ")
        into = into.rpartition(" VALUES")[0] or into
        with tempfile.NamedTemporaryFile(suffix=".native") as file:
            file.write(body)
            file.flush()
            engine.query(f"{into} SELECT * FROM file('{file.name}', '{form.strip() or 'Native'}')")
        return b""
    result = engine.query(query, "JSONCompact").bytes()  # but for a query that names a format
    return block(json.loads(result)) if result and " FORMAT " not in query else result


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_POST(self):
        asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        body = self.body()
        try:
            with one:
                status, out = 200, answer(asked.get("query", ""), asked.get("database", ""), body)
        except Exception as e:  # what the engine refuses, the client is told
            status, out = 400, str(e).encode()
            print(asked, body[:200], e, file=sys.stderr)
        self.send_response(status)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST


host, port = sys.argv[1].rsplit(":", 1)
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
