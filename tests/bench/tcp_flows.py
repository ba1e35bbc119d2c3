"""TCP connections between two hosts of a lab: one that lasts and a new one each half second.

serve PORT          takes connections and throws away what comes
send ADDRESS PORT   until terminated; prints how many ms each new connection took to be made: one round trip
"""

import signal
import socket
import sys
import threading
import time


def drain(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass
    connection.close()


def serve(port: int) -> None:
    listener = socket.create_server(("", port))
    print("ready", flush=True)
    while True:
        threading.Thread(target=drain, args=(listener.accept()[0],), daemon=True).start()


def lasting(address: str, port: int) -> None:
    with socket.create_connection((address, port)) as connection:
        while True:
            connection.sendall(bytes(16384))
            time.sleep(0.05)


def send(address: str, port: int) -> None:
    threading.Thread(target=lasting, args=(address, port), daemon=True).start()
    while True:
        began = time.monotonic()
        with socket.create_connection((address, port)) as connection:
            print(f"{(time.monotonic() - began) * 1000:.1f}", flush=True)
            connection.sendall(bytes(100000))
        time.sleep(0.5)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        send(sys.argv[2], int(sys.argv[3]))
