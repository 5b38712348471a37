"""Both ends of a line, for tests: `serve` answers what it is sent with its digest, `say` sends and tells the answer.

python peer.py serve                      TCP 995, 80, 443, 22, 3460 and UDP 53, 8080; says "ready"
python peer.py say tcp HOST PORT SECONDS < JSON   a list of messages in hex, sent one after the other
"""

from __future__ import annotations

import hashlib
import json
import selectors
import socket
import sys
import threading
import time

PORTS, DATAGRAMS = (995, 80, 443, 22, 3460), (53, 8080)


def answer(connection: socket.socket) -> None:
    """Read to the end, then say what was read."""
    digest, count = hashlib.sha256(), 0
    connection.settimeout(20)
    try:
        while data := connection.recv(1 << 16):
            digest.update(data)
            count += len(data)
        connection.sendall(json.dumps({"bytes": count, "sha256": digest.hexdigest()}).encode())
    except OSError as error:
        sys.stderr.write(f"{error}\n")
    connection.close()


def serve() -> None:
    """Until killed."""
    wanted = selectors.DefaultSelector()
    for port in PORTS:
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=50)
        wanted.register(listener, selectors.EVENT_READ)
    for port in DATAGRAMS:
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("0.0.0.0", port))
        wanted.register(datagrams, selectors.EVENT_READ)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for key, _ in wanted.select():
            line = key.fileobj
            assert isinstance(line, socket.socket)
            if line.type == socket.SOCK_DGRAM:
                data, peer = line.recvfrom(65535)
                said = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                line.sendto(json.dumps(said).encode(), peer)
            else:
                connection, _ = line.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()


def say(kind: str, host: str, port: int) -> None:
    """Send what stands on standard input; print the answer, or "dead" where none came."""
    messages = [bytes.fromhex(one) for one in json.load(sys.stdin)]
    flavor = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, flavor) as line:
        line.settimeout(float(sys.argv[5]))
        try:
            line.connect((host, port))
            if kind == "tcp":
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for message in messages:
                line.sendall(message)
                time.sleep(0.05)
            if kind == "tcp":
                line.shutdown(socket.SHUT_WR)
            sys.stdout.write(line.recv(4096).decode() or "dead")
        except OSError:
            sys.stdout.write("dead")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        say(sys.argv[2], sys.argv[3], int(sys.argv[4]))
