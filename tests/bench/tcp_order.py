"""Segments of TCP that were overtaken on their way, as the receiver's interface sees them.

tcp_order.py INTERFACE PORT   until terminated; prints "ready", and at the end SEGMENTS OVERTAKEN RESENT CONNECTIONS

The kernel's counter of segments that arrive out of order (TCPOFOQueue) cannot tell one that was overtaken from those behind
one that was lost. The sender's time stamps can (RFC 7323): whoever sends stamps segments in order, in ms, and what he sends
again gets a new stamp. So a segment with data whose (stamp, sequence number) is below one that came before it on its
connection left earlier and came later: overtaken. One with a newer stamp and an older number was sent again: not counted.
"""

import signal
import socket
import struct
import sys


def newer(a: int, b: int) -> bool:
    """Numbers of 32 bits that go round."""
    return 0 < (a - b) & 0xFFFFFFFF < 1 << 31


def stamp(options: bytes) -> int | None:
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
        elif options[at] == 8:
            return struct.unpack_from("!I", options, at + 2)[0]
        else:
            at += max(2, options[at + 1])
    return None


class Order:
    def __init__(self, port: int) -> None:
        self.port = port
        self.newest: dict[tuple[bytes, int], tuple[int, int]] = {}  # by connection: stamp, number
        self.segments = self.overtaken = self.resent = 0

    def take(self, packet: bytes) -> None:
        if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
            return
        head = (packet[0] & 15) * 4
        source, target, number = struct.unpack_from("!HHI", packet, head)
        data = head + (packet[head + 12] >> 4) * 4
        at = stamp(packet[head + 20 : data])
        if target != self.port or at is None or data >= struct.unpack_from("!H", packet, 2)[0]:
            return
        self.segments += 1
        flow = (packet[12:16], source)
        last = self.newest.get(flow)
        if last is None or newer(at, last[0]) or (at == last[0] and newer(number, last[1])):
            self.resent += last is not None and newer(last[1], number)
            self.newest[flow] = (at, number)
        else:
            self.overtaken += 1


def main() -> None:
    order = Order(int(sys.argv[2]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as interface:
        interface.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        interface.bind((sys.argv[1], 0x0800))
        print("ready", flush=True)
        try:
            while True:
                packet, address = interface.recvfrom(65535)
                if address[2] != socket.PACKET_OUTGOING:
                    order.take(packet)
        finally:
            print(order.segments, order.overtaken, order.resent, len(order.newest), flush=True)


if __name__ == "__main__":
    main()
