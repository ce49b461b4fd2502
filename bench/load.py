"""A load publisher in a process of its own: QoS 1, MQTT 5, pipelined, PUBLISH packets made in bulk.

Started as `python -m bench.load`; the messages stand in a file of length-prefixed (topic, payload) pairs. It
connects, prints `ready`, waits for a line on standard input, publishes everything, and ends after the last
PUBACK. Clients that handle one message at a time are several times slower than the brokers they load.
"""

import contextlib
import select
import socket
import struct
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

WINDOW = 10_000
_CHUNK = 500


def remaining_length(n: int) -> bytes:
    """Return MQTT's variable-length encoding of `n`."""
    out = bytearray()
    while True:
        n, low = divmod(n, 128)
        out.append(low | (0x80 if n else 0))
        if not n:
            return bytes(out)


def string(value: bytes) -> bytes:
    """Return `value` with its two-byte length."""
    return struct.pack("!H", len(value)) + value


def connect(host: str, port: int, client_id: str) -> socket.socket:
    """Open an MQTT 5 session that begins clean."""
    sock = socket.create_connection((host, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = string(b"MQTT") + bytes([5, 2]) + struct.pack("!H", 0) + b"\0" + string(client_id.encode())
    sock.sendall(b"\x10" + remaining_length(len(body)) + body)
    head = sock.recv(2, socket.MSG_WAITALL)
    connack = sock.recv(head[1], socket.MSG_WAITALL)
    if head[0] != 0x20 or connack[1] != 0:
        raise ConnectionError(f"the broker refused the publisher: {connack.hex()}")
    return sock


def frame(topic: bytes, payload: bytes, mid: int) -> bytes:
    """Return one PUBLISH packet, QoS 1, without properties."""
    head = string(topic) + struct.pack("!HB", mid, 0)
    return b"\x32" + remaining_length(len(head) + len(payload)) + head + payload


def publish(sock: socket.socket, messages: list[tuple[bytes, bytes]], window: int = WINDOW) -> None:
    """Publish everything with at most `window` unacknowledged; return after the last PUBACK."""
    chunks = [
        b"".join(
            frame(t, p, (start + i) % 65_535 + 1) for i, (t, p) in enumerate(messages[start : start + _CHUNK])
        )
        for start in range(0, len(messages), _CHUNK)
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    sock.setblocking(False)
    sent = acked = 0
    pending, rest = b"", memoryview(b"")
    while acked < len(messages):
        if not rest and sent < len(messages) and sent - acked + _CHUNK <= window:
            rest = memoryview(chunks[sent // _CHUNK])
            sent = min(sent + _CHUNK, len(messages))
        readable, writable, _ = select.select([sock], [sock] if rest else [], [], 30)
        if not readable and not writable:
            raise TimeoutError(f"no PUBACK for 30 s; {acked} of {len(messages)} acknowledged")
        if writable:
            with contextlib.suppress(BlockingIOError):
                rest = rest[sock.send(rest) :]
        if readable:
            data = sock.recv(1 << 16)
            if not data:
                raise ConnectionError("the broker closed the publisher's connection")
            count, pending = _count(pending + data)
            acked += count


def _count(data: bytes) -> tuple[int, bytes]:
    count = at = 0
    while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
        if data[at] != 0x40:
            raise ConnectionError(f"unexpected packet {data[at : at + 8].hex()}")
        at += 2 + data[at + 1]
        count += 1
    return count, data[at:]


def write_messages(path: Path, messages: Iterable[tuple[str, bytes]]) -> None:
    """Store messages for the load process."""
    with path.open("wb") as out:
        for topic, payload in messages:
            encoded = topic.encode()
            out.write(struct.pack("!II", len(encoded), len(payload)) + encoded + payload)


def read_messages(path: Path) -> list[tuple[bytes, bytes]]:
    """Return what `write_messages` stored."""
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        n, m = struct.unpack_from("!II", data, at)
        found.append((data[at + 8 : at + 8 + n], data[at + 8 + n : at + 8 + n + m]))
        at += 8 + n + m
    return found


class Load:
    """The publisher process, connected and ready to go."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def go(self) -> None:
        """Start to publish."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Wait for the last PUBACK."""
        if self._process.wait(600):
            raise RuntimeError(f"the load publisher failed with code {self._process.returncode}")


@contextlib.contextmanager
def load(mqtt_url: str, messages: Iterable[tuple[str, bytes]]) -> Iterator[Load]:
    """Start the publisher process with its messages in memory; it begins at `go()`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages"
        write_messages(path, messages)
        command = [sys.executable, "-m", "bench.load", mqtt_url, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError("the load publisher did not get ready")
            yield Load(process)


def main() -> None:
    """Publish the file that the command line names."""
    url = urlsplit(sys.argv[1])
    messages = read_messages(Path(sys.argv[2]))
    with connect(url.hostname or "127.0.0.1", url.port or 1883, f"load-{uuid.uuid4().hex}") as sock:
        publish(sock, messages)


if __name__ == "__main__":
    main()
