#!/usr/bin/env python3
"""Whoever records what leaves by an interface and plays it again: usage: replay.py INTERFACE SECONDS

Each tenth frame of UDP is sent again at once, and once more when 3,000 others have gone: beyond a window of 2,048, and
often when another key is in use. Prints how many were sent again.
"""
import collections
import socket
import sys
import time

OUTGOING, LATER = 4, 300


def main() -> None:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind((sys.argv[1], 3))
    raw.settimeout(0.2)
    kept: collections.deque[bytes] = collections.deque()
    end, count, again = time.monotonic() + float(sys.argv[2]), 0, 0
    while time.monotonic() < end:
        try:
            frame, address = raw.recvfrom(65536)
        except TimeoutError:
            continue
        if address[2] != OUTGOING or frame[12:14] != b"\x08\x00" or frame[23] != 17 or len(frame) > 1514:
            continue
        count += 1
        if count % 10 != 0:
            continue
        kept.append(frame)
        raw.send(frame)
        again += 1
        if len(kept) > LATER:
            raw.send(kept.popleft())
            again += 1
    print(again)


if __name__ == "__main__":
    main()
