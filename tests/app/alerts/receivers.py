"""Real local receivers of notices: a webhook, a mail server, and a mail server that takes a line and never speaks."""

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import trio
from attrs import define, field

HOST = "127.0.0.1"


@define(eq=False)
class Webhook:
    """Takes JSON by POST at ``json://``. ``status`` is what it answers."""

    port: int = 0
    status: int = 200
    got: list[dict[str, Any]] = field(factory=list)
    arrived: trio.Event = field(factory=trio.Event)

    def url(self, path: str = "hook-secret-path") -> str:
        return f"json://{HOST}:{self.port}/{path}"

    async def serve(self, stream: trio.SocketStream) -> None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += await stream.receive_some(65536)
        head, _, body = raw.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += await stream.receive_some(65536)
        self.got.append(json.loads(body))
        self.arrived.set()
        await stream.send_all(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % self.status)
        await stream.aclose()


@define(eq=False)
class MailServer:
    """Takes mail at ``mailto://``, as much of SMTP as that needs."""

    port: int = 0
    got: list[EmailMessage] = field(factory=list)

    def url(self) -> str:
        return f"mailto://{HOST}:{self.port}?from=engine@gapless.test&to=me@gapless.test&mode=insecure"

    async def serve(self, stream: trio.SocketStream) -> None:
        await stream.send_all(b"220 gapless.test ESMTP\r\n")
        raw, body, reading = b"", b"", False
        async for chunk in stream:
            raw += chunk
            while b"\r\n" in raw:
                line, _, raw = raw.partition(b"\r\n")
                if reading and line == b".":
                    self.got.append(message_from_bytes(body, policy=policy.default))
                    reading = False
                    await stream.send_all(b"250 OK\r\n")
                elif reading:
                    body += line + b"\r\n"
                elif line.upper() == b"DATA":
                    reading = True
                    await stream.send_all(b"354 go on\r\n")
                elif line.upper() == b"QUIT":
                    await stream.send_all(b"221 bye\r\n")
                    return
                else:
                    await stream.send_all(b"250 OK\r\n")


@define(eq=False)
class DeadServer:
    """Accepts, and never answers."""

    port: int = 0
    lines: int = 0

    def url(self) -> str:
        return f"mailto://sender:dead-mail-password@{HOST}:{self.port}?from=engine@gapless.test&to=me@gapless.test&mode=insecure"

    async def serve(self, stream: trio.SocketStream) -> None:
        self.lines += 1
        await trio.sleep_forever()


async def receive(nursery: trio.Nursery, receiver: Any) -> Any:
    """Let a receiver listen for as long as the nursery; it knows its port then."""
    listeners = await nursery.start(trio.serve_tcp, receiver.serve, 0)
    receiver.port = listeners[0].socket.getsockname()[1]
    return receiver
