"""The server of the benchmarks: a real WebSocket at one end, pre-encoded frames at the other, and nothing in between.

It speaks just enough of Alpaca's protocol for a client to log in and subscribe, then writes blocks of pre-encoded
frames until the asked number of messages is out. Deliberately plain sockets: what is measured is the client. The path
of the URL says what to send: ``/{messages a frame}/{messages}/...``. Prints its port; run by ``ingest.py``, not by
people.
"""

import base64
import hashlib
import os
import socket
import struct
import sys
import threading

import msgspec

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# About a quarter of a megabyte a write: the server must never be what is waited for.
BLOCK_BYTES = 256 * 1024
START_NS = 1_772_461_867_000_000_000


def frame(payload: bytes) -> bytes:
    """A binary frame, whole and unmasked, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes([0x82, size]) + payload
    if size < 65_536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


def control(**fields: object) -> bytes:
    """A one-message frame."""
    return frame(msgspec.msgpack.encode([fields]))


def trade(number: int) -> dict[str, object]:
    """One trade, as different from its neighbours as trades are."""
    seconds, nanos = divmod(START_NS + number * 1_234_567, 1_000_000_000)
    stamp = msgspec.msgpack.Ext(-1, struct.pack("!Q", nanos << 34 | seconds))
    price = round(200 + number % 997 / 100, 2)
    return {
        "T": "t",
        "S": "AAPL",
        "i": 50_000_000_000_000 + number,
        "x": "VQDNPZ"[number % 6],
        "p": price,
        "s": 1 + number % 400,
        "c": ["@", "I"] if number % 3 else ["@"],
        "t": stamp,
        "z": "C",
    }


def blocks_of(per_frame: int, messages: int) -> list[bytes]:
    """Frames back to back in blocks, every message of them a different trade: a client may suppress duplicates."""
    blocks, out = [], bytearray()
    for first in range(0, messages, per_frame):
        out += frame(msgspec.msgpack.encode([trade(first + n) for n in range(per_frame)]))
        if len(out) >= BLOCK_BYTES:
            blocks.append(bytes(out))
            out.clear()
    return [*blocks, bytes(out)]


class Reader:
    """What a client sends, message by message."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = b""

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        while len(self._held) < size:
            data = self._connection.recv(65_536)
            if not data:
                raise ConnectionError("the client left")
            self._held += data
        out, self._held = self._held[:size], self._held[size:]
        return out

    def head(self) -> bytes:
        """The HTTP request."""
        out = b""
        while not out.endswith(b"\r\n\r\n"):
            out += self.exactly(1)
        return out

    def message(self) -> bytes:
        """The next data message: alpaca-py fragments them, and both clients ping in between."""
        parts = b""
        while True:
            first, second = self.exactly(2)
            size = second & 0x7F
            if size == 126:
                size = int.from_bytes(self.exactly(2), "big")
            elif size == 127:
                size = int.from_bytes(self.exactly(8), "big")
            mask = self.exactly(4)
            payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(self.exactly(size)))
            if first & 0x0F < 8:
                parts += payload
                if first & 0x80:
                    return parts
            elif first & 0x0F == 8:
                raise ConnectionError("the client closed")


def serve(connection: socket.socket, blocks: dict[tuple[int, int], list[bytes]]) -> None:
    """Greet, log in, subscribe, blast, and wait until the client goes."""
    reader = Reader(connection)
    try:
        head = reader.head()
        _, per_frame, messages, *_ = head.split(b" ")[1].decode().split("/")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        named = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        assert b"msgpack" in headers[b"content-type"]
        accept = base64.b64encode(hashlib.sha1(named.split(b": ")[1] + GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + control(T="success", msg="connected")
        )
        reader.message()
        connection.sendall(control(T="success", msg="authenticated"))
        reader.message()
        connection.sendall(control(T="subscription", trades=["AAPL"], quotes=[], bars=[]))
        wanted = (int(per_frame), int(messages))
        if wanted not in blocks:
            blocks[wanted] = blocks_of(*wanted)
        for frames in blocks[wanted]:
            connection.sendall(frames)
        while True:
            reader.message()
    except (ConnectionError, TimeoutError):
        pass
    finally:
        connection.close()


def main() -> None:
    """Listen, say where, and serve one client after the other."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    blocks: dict[tuple[int, int], list[bytes]] = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1])
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection, blocks), daemon=True).start()


if __name__ == "__main__":
    main()
