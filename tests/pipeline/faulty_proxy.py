"""A proxy between a real client and a real server that answers 500 and cuts connections, now and then."""

import random
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress

ANSWER_500 = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/xml\r\nContent-Length: 94\r\n"
    b"Connection: close\r\n\r\n"
    b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>injected here</Message></Error>\n"
)


class FaultyProxy:
    """Listens on 127.0.0.1:`port` and passes each request on to `target`, one a connection.

    `share_500`, `share_cut`: how many requests, by chance (seeded), are answered 500, or lose their
    connection in the middle of what is sent or answered. `down`: every connection is cut at once.
    """

    def __init__(self, target: tuple[str, int], share_500=0.0, share_cut=0.0, seed=1):
        self.target, self.share_500, self.share_cut, self.down = target, share_500, share_cut, False
        self.faults = Counter()
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._listener.close()

    def _listen(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _draw(self) -> str:
        with self._lock:
            drawn = self._chance.random()
            fault = "500" if drawn < self.share_500 else ""
            if self.share_500 <= drawn < self.share_500 + self.share_cut:
                fault = self._chance.choice(("cut request", "cut answer"))
            fault = "down" if self.down else fault
            self.faults[fault] += 1
            return fault

    def _serve(self, client: socket.socket):
        fault = self._draw()
        with client:
            if fault == "down":
                _reset(client)
                return
            try:
                head = _head(client)
                if head and fault == "500":
                    client.sendall(ANSWER_500)
                    return
                if head:
                    self._pass_on(client, head, fault)
            except OSError:  # either side went away: that is what this is for
                return

    def _pass_on(self, client: socket.socket, head: bytes, fault: str):
        # One request a connection, so that each can be drawn for. No signature covers this header.
        line, _, rest = head.partition(b"\r\n")
        with socket.create_connection(self.target, timeout=60) as server:
            server.sendall(
                line + b"\r\nConnection: close\r\n" + rest[: len(rest) // 2]
                if fault == "cut request"
                else line + b"\r\nConnection: close\r\n" + rest
            )
            if fault == "cut request":
                _reset(client)
                return
            threading.Thread(target=_relay, args=(client, server), daemon=True).start()
            first = server.recv(1 << 16)
            if fault == "cut answer":
                client.sendall(first[: len(first) // 2])
                _reset(client)
                return
            client.sendall(first)
            _relay(server, client)


def _head(client: socket.socket) -> bytes:
    """What the client sends up to the end of its headers, and what came along with them."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(1 << 16)
        if not more:
            return b""
        data += more
    return data


def _relay(source: socket.socket, sink: socket.socket):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
    except OSError:
        return


def _reset(client: socket.socket):
    """Close at once and without a farewell, whatever another thread still waits for."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    client.close()
