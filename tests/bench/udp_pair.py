"""One direction of UDP packets between two hosts of a lab, each with a number and the time it left.

send ADDRESS PORT INTERVAL_MS [SIZE]   until standard input ends, SIZE bytes each; prints how many were sent
receive PORT                    until terminated; prints NUMBER LEFT_NS ARRIVED_NS a line, CLOCK_MONOTONIC

Packets arrive when the kernel stamps them: how long this program waits for a processor then is not the path's.
"""

import signal
import socket
import struct
import sys
import threading
import time

PACKET = struct.Struct("!QQ")
STAMP = struct.Struct("@qq")
SO_TIMESTAMPNS = 35  # the socket module has no name for it


def send(address: str, port: int, interval_ms: float, size: int) -> None:
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    padding = bytes(max(0, size - PACKET.size))
    number = 0
    due = time.monotonic()
    while not done.is_set():
        try:
            sock.sendto(PACKET.pack(number, time.monotonic_ns()) + padding, (address, port))
        except OSError:  # an ICMP answer to an earlier packet: the packet counts as lost
            pass
        number += 1
        due = max(due + interval_ms / 1000, time.monotonic() - 0.05)
        time.sleep(max(0.0, due - time.monotonic()))
    print(number)


def receive(port: int) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", port))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    print("ready", flush=True)
    while True:
        data, extra, _, _ = sock.recvmsg(PACKET.size, 64)
        waited_ns = 0
        for level, kind, stamp in extra:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = STAMP.unpack(stamp)
                waited_ns = max(0, time.time_ns() - seconds * 1_000_000_000 - nanoseconds)
        number, left_ns = PACKET.unpack(data)
        print(number, left_ns, time.monotonic_ns() - waited_ns, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else PACKET.size)
    else:
        receive(int(sys.argv[2]))
