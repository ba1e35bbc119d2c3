"""Configure two wireguard-go processes as each other's only peer: wireguard.py SOCKET_A ENDPOINT_A SOCKET_B ENDPOINT_B."""

import socket
import sys

PRIME = 2**255 - 19


def x25519(scalar: bytes, point: bytes) -> bytes:
    """RFC 7748, section 5; not constant time, the keys are of a benchmark."""
    clamped = bytearray(scalar)
    clamped[0] &= 248
    clamped[31] = clamped[31] & 127 | 64
    k, x1 = int.from_bytes(clamped, "little"), int.from_bytes(point, "little")
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for bit in range(254, -1, -1):
        now = k >> bit & 1
        if swap ^ now:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = now
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def configure(path: str, private: bytes, peer: bytes, endpoint: str) -> None:
    base = (9).to_bytes(32, "little")
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(path)
        door.sendall(
            f"set=1\nprivate_key={private.hex()}\nlisten_port=51820\nreplace_peers=true\n"
            f"public_key={x25519(peer, base).hex()}\nendpoint={endpoint}:51820\nreplace_allowed_ips=true\n"
            f"allowed_ip=0.0.0.0/0\n\n".encode()
        )
        answer = door.recv(1000).decode()
    if "errno=0" not in answer:
        sys.exit(f"{path}: {answer}")


def main() -> None:
    first, second = bytes([0x11]) * 32, bytes([0x22]) * 32
    configure(sys.argv[1], first, second, sys.argv[2])
    configure(sys.argv[3], second, first, sys.argv[4])


if __name__ == "__main__":
    main()
