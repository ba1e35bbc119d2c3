#!/usr/bin/env python3
"""An IPv4 and UDP packet in hexadecimal, small as they come: SOURCE DESTINATION [VNI INNER], with those in Geneve."""

from __future__ import annotations

import ipaddress
import struct
import sys


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source: str, destination: str, port: int, payload: bytes) -> bytes:
    udp = struct.pack("!HHHH", 16384, port, 8 + len(payload), 0) + payload
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0)
    return head[:10] + struct.pack("!H", checksum(head + addresses)) + addresses + udp


if len(sys.argv) == 5:
    geneve = struct.pack("!BBHI", 0, 0, 0x0800, int(sys.argv[3]) << 8)
    print(packet(sys.argv[1], sys.argv[2], 6081, geneve + bytes.fromhex(sys.argv[4])).hex())
else:
    print(packet(sys.argv[1], sys.argv[2], 9, bytes(18)).hex())
