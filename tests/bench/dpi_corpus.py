#!/usr/bin/env python3
"""A labelled capture of real applications: dpi_corpus.py DIR

    clients --- veth --- servers        two namespaces; tcpdump on the clients' end, segmentation off

Every service has an address of its own, so that the address says what a flow is. Writes DIR/corpus.pcap and DIR/labels.json
({address: labels it may have}). Clients and servers are those of the distribution; three have no server worth installing and speak from
here: memcached's client, an RTP call, and a protocol that nobody knows. Names lead to the servers by a hosts file of their own.

Needs root. Called by tests/bench/dpi_lab.py.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

from spine_lab import BenchError, run, say, wait_for

WEB = {  # a name that is asked for, and the signature of its operator
    "www.youtube.com": "youtube",
    "www.netflix.com": "netflix",
    "www.facebook.com": "facebook",
    "www.instagram.com": "instagram",
    "web.whatsapp.com": "whatsapp",
    "github.com": "github",
    "open.spotify.com": "spotify",
    "slack.com": "slack",
    "www.dropbox.com": "dropbox",
    "us02web.zoom.us": "zoom",
    "teams.microsoft.com": "teams",
    "en.wikipedia.org": "wikipedia",
    "www.twitch.tv": "twitch",
    "shop.example.com": "tls",
}
PLAIN = {"www.netflix.com": "netflix", "en.wikipedia.org": "wikipedia", "intranet.example.com": "http"}
QUIC = {"www.youtube.com": "youtube", "www.facebook.com": "facebook", "cdn.example.com": "quic"}
SPEAK = r"""
import socket, struct, sys, time
kind, server, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "memcached":
    with socket.create_connection((server, port)) as sock:
        for n in range(300):
            sock.sendall(b"set key%d 0 0 5\r\nhello\r\nget key%d\r\n" % (n, n))
            data = b""
            while not data.endswith(b"END\r\n"):
                data += sock.recv(4096)
elif kind in ("rtp", "odd"):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((server, port))
    for n in range(250):
        head = struct.pack(">BBHII", 0x80, 0, n, n * 160, 0x1234abcd) if kind == "rtp" else b"odd %d " % n
        sock.send(head + bytes((n * 7 + i) & 255 for i in range(160)))
        sock.recv(2048)
        time.sleep(0.001)
elif kind == "echo":
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((server, port))
    while True:
        data, who = sock.recvfrom(2048)
        sock.sendto(data, who)
"""


class Corpus:
    def __init__(self, directory: pathlib.Path, rounds: int, megabytes: int) -> None:
        self.dir, self.rounds, self.size = directory, rounds, megabytes << 20
        self.client, self.server = f"ptdpi{os.getpid()}c", f"ptdpi{os.getpid()}s"
        self.labels: dict[str, str] = {}
        self.hosts: list[str] = ["127.0.0.1 localhost"]
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.actions: list[Callable[[], None]] = []
        self.log = (directory / "log").open("ab")

    def up(self) -> None:
        for name in (self.client, self.server):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "eth0", "netns", self.client, "type", "veth", "peer", "name", "eth0", "netns", self.server)
        for name, host in ((self.client, 1), (self.server, 2)):
            run("ip", "-n", name, "address", "add", f"10.99.0.{host}/16", "dev", "eth0")
            run("ip", "-n", name, "address", "add", f"fd99::{host}/64", "dev", "eth0", "nodad")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            run("ip", "netns", "exec", name, "ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off", "tx", "off")

    def down(self) -> None:
        for process in reversed(self.daemons):
            process.terminate()
        for process in self.daemons:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in (self.client, self.server):
            for pid in subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split():
                subprocess.run(["kill", "-9", pid], check=False)
            subprocess.run(["ip", "netns", "del", name], check=False)
        self.log.close()

    def address(self, label: str, name: str = "", v6: bool = False) -> str:
        """A new address of the servers, for this label; a name leads to it."""
        number = len(self.labels) + 10
        address = f"fd99::1:{number}" if v6 else f"10.99.1.{number}"
        run("ip", "-n", self.server, "address", "add", f"{address}/{64 if v6 else 16}", "dev", "eth0", *(["nodad"] if v6 else []))
        self.labels[address] = label
        if name:
            self.hosts.append(f"{address} {name}")
        return address

    def serve(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["ip", "netns", "exec", self.server, *words], stdin=subprocess.DEVNULL,
                                   stdout=self.log, stderr=self.log, cwd=self.dir)
        self.daemons.append(process)
        return process

    def ask(self, *words: str, text: str = "") -> None:
        """A client, with a hosts file of its own; it must succeed."""
        done = subprocess.run(["ip", "netns", "exec", self.client, "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"',
                               str(self.dir / "hosts"), *words], input=text.encode(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, cwd=self.dir, timeout=60)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(words)[:120]}: {done.stderr.decode(errors='replace')[-300:]}")

    def answers(self, address: str, port: int) -> None:
        """Until somebody listens on a TCP port; asked inside the servers' namespace, so that the capture has nothing of it."""
        def open_there() -> bool:
            code = f"import socket; socket.create_connection(({address!r}, {port}), 1)"
            return subprocess.run(["ip", "netns", "exec", self.server, sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
        wait_for(f"nobody listens on {address} port {port}; see {self.dir}/log", 30, open_there)

    def file(self, name: str, text: str) -> str:
        (self.dir / name).write_text(text)
        return str(self.dir / name)

    # ---- services ----

    def web(self) -> None:
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(self.dir / "key.pem"), "-out",
            str(self.dir / "cert.pem"), "-subj", "/CN=corpus", "-days", "2")
        root = self.dir / "www"
        root.mkdir()
        (root / "big").write_bytes(os.urandom(self.size))
        (root / "small").write_bytes(b"small\n" * 200)
        os.chmod(self.dir, 0o755)
        conf = self.file("nginx.conf", f"""
daemon off; user root; pid {self.dir}/nginx.pid; error_log {self.dir}/nginx.log;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {self.dir}/b; proxy_temp_path {self.dir}/p; fastcgi_temp_path {self.dir}/f;
  uwsgi_temp_path {self.dir}/u; scgi_temp_path {self.dir}/s;
  server {{ listen 80; listen [::]:80; listen 443 ssl http2; listen [::]:443 ssl http2; root {root};
    ssl_certificate {self.dir}/cert.pem; ssl_certificate_key {self.dir}/key.pem; ssl_protocols TLSv1.2 TLSv1.3; }} }}
""")
        self.serve("nginx", "-c", conf)
        self.answers("10.99.0.2", 443)
        for n, (name, label) in enumerate(WEB.items()):
            at = self.address(label, v6=n % 4 == 3)
            def web(name: str = name, at: str = at, n: int = n) -> None:
                to = ["--connect-to", f"{name}::[{at}]:" if ":" in at else f"{name}::{at}:"]
                for path, extra in (("big", []), ("small", ["--tls-max", "1.2"]), ("small", ["--http1.1"])):
                    self.ask("curl", "-sk", "-o", "/dev/null", "--fail", *to, *extra, f"https://{name}/{path}")
            self.actions.append(web)
        for name, label in PLAIN.items():
            at = self.address(label)
            def plain(name: str = name, at: str = at) -> None:
                for path in ("big", "small", "small"):
                    self.ask("curl", "-s", "-o", "/dev/null", "--fail", "--connect-to", f"{name}::{at}:", f"http://{name}/{path}")
            self.actions.append(plain)
        for name, label in QUIC.items():
            at = self.address(label, name)
            self.serve("gtlsserver", "-q", "-d", str(root), at, "443", str(self.dir / "key.pem"), str(self.dir / "cert.pem"))
            def quic(name: str = name) -> None:
                self.ask("gtlsclient", "-q", "--exit-on-all-streams-close", "--no-quic-dump", "--no-http-dump", name, "443", f"https://{name}/big")
            self.actions.append(quic)

    def names(self) -> None:
        at = self.address("dns")
        self.serve("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--user=root", "--pid-file=",
                   "--address=/#/10.99.1.10", f"--listen-address={at}", "--bind-interfaces", "--txt-record=t.example.com,text")
        self.answers(at, 53)
        for name in ("a.example.com", "b.example.org", "c.example.net"):
            for extra in ([], ["AAAA"], ["TXT"], ["+tcp"]):
                self.actions.append(lambda name=name, extra=extra: self.ask("dig", f"@{at}", "+tries=2", name, *extra))

    def shell(self) -> None:
        at, git = self.address("ssh"), self.address("git")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.dir / "host"))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.dir / "user"))
        os.makedirs("/run/sshd", exist_ok=True)
        shutil.copy(self.dir / "user.pub", self.dir / "authorized")
        conf = self.file("sshd.conf", f"HostKey {self.dir}/host\nAuthorizedKeysFile {self.dir}/authorized\nStrictModes no\nUsePAM no\n"
                         f"PermitRootLogin yes\nListenAddress {at}\nPidFile none\n")
        self.serve("/usr/sbin/sshd", "-D", "-f", conf)
        self.answers(at, 22)
        login = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-i", str(self.dir / "user")]
        self.actions.append(lambda: self.ask("ssh", *login, f"root@{at}", f"cat {self.dir}/www/big"))
        self.actions.append(lambda: self.ask("ssh", *login, f"root@{at}", "true"))
        repository = self.dir / "repos" / "r"
        run("git", "init", "-q", str(repository))
        shutil.copy(self.dir / "www" / "big", repository / "big")
        run("git", "-C", str(repository), "add", "big")
        run("git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "big")
        self.serve("git", "-c", "safe.directory=*", "daemon", "--export-all", f"--base-path={self.dir}/repos", f"--listen={git}", "--reuseaddr")
        self.answers(git, 9418)
        self.actions.append(lambda: self.ask("sh", "-c", f"rm -rf clone && git clone -q git://{git}/r clone"))

    def databases(self) -> None:
        redis, memcached, postgres, mqtt = (self.address(name) for name in ("redis", "memcached", "postgresql", "mqtt"))
        self.serve("redis-server", "--bind", redis, "--protected-mode", "no", "--save", "", "--dir", str(self.dir))
        self.serve("memcached", "-u", "root", "-l", memcached)
        data = self.dir / "postgres"
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        binaries = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        run("runuser", "-u", "postgres", "--", str(binaries / "initdb"), "-D", str(data), "-A", "trust")
        (data / "pg_hba.conf").write_text("host all all 10.99.0.0/16 trust\n")
        self.serve("runuser", "-u", "postgres", "--", str(binaries / "postgres"), "-D", str(data), "-h", postgres, "-k", str(data))
        conf = self.file("mosquitto.conf", f"listener 1883 {mqtt}\nallow_anonymous true\n")
        self.serve("mosquitto", "-c", conf)
        for address, port in ((redis, 6379), (memcached, 11211), (postgres, 5432), (mqtt, 1883)):
            self.answers(address, port)
        self.actions += [
            lambda: self.ask("redis-benchmark", "-h", redis, "-n", "4000", "-c", "4", "-t", "set,get", "-q"),
            lambda: self.ask("redis-cli", "-h", redis, "info"),
            lambda: self.ask(sys.executable, "-c", SPEAK, "memcached", memcached, "11211"),
            lambda: self.ask("psql", "-q", "-U", "postgres", "-h", postgres, "-c", "select * from generate_series(1, 100000)"),
            lambda: self.ask("mosquitto_pub", "-h", mqtt, "-t", "a/b", "-q", "1", "-l", text="message\n" * 500),
        ]

    def calls(self) -> None:
        sip, rtp, stun = self.address("sip"), self.address("rtp"), self.address("stun")
        self.serve("sipp", "-sn", "uas", "-i", sip, "-p", "5060", "-nostdin")
        self.serve(sys.executable, "-c", SPEAK, "echo", rtp, "40000")
        self.serve("turnserver", "-n", "-L", stun, "-p", "3478", "--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout",
                   "--pidfile", str(self.dir / "turn.pid"), "--db", str(self.dir / "turn.db"))
        self.answers(stun, 3478)
        self.actions += [
            lambda: self.ask("sipp", "-sn", "uac", f"{sip}:5060", "-i", "10.99.0.1", "-m", "10", "-r", "20", "-d", "50", "-nostdin"),
            lambda: self.ask(sys.executable, "-c", SPEAK, "rtp", rtp, "40000"),
            lambda: self.ask("turnutils_stunclient", stun),
        ]

    def files(self) -> None:
        ftp, tftp, snmp = self.address("ftp-control ftp-data"), self.address("tftp"), self.address("snmp")
        empty = self.dir / "empty"
        empty.mkdir()
        conf = self.file("vsftpd.conf", f"listen=YES\nlisten_address={ftp}\nanonymous_enable=YES\nanon_root={self.dir}/www\nbackground=NO\n"
                         f"no_anon_password=YES\nsecure_chroot_dir={empty}\nftp_username=daemon\nallow_writeable_chroot=YES\nseccomp_sandbox=NO\n")
        self.serve("vsftpd", conf)
        self.serve("in.tftpd", "-L", "-s", "-a", f"{tftp}:69", "-u", "root", str(self.dir / "www"))
        conf = self.file("snmpd.conf", "rocommunity public default .1\n")
        self.serve("snmpd", "-f", "-Lo", "-C", "-c", conf, "-p", str(self.dir / "snmpd.pid"), f"udp:{snmp}:161")
        self.answers(ftp, 21)
        self.actions += [
            lambda: self.ask("curl", "-s", "-o", "/dev/null", "--fail", f"ftp://{ftp}/big"),
            lambda: self.ask("tftp", tftp, "-m", "binary", "-c", "get", "small"),
            lambda: self.ask("snmpget", "-v2c", "-c", "public", snmp, ".1.3.6.1.2.1.1.1.0", ".1.3.6.1.2.1.1.3.0"),
        ]

    def others(self) -> None:
        bulk, odd, icmp = self.address("unknown"), self.address("unknown"), self.address("icmp")
        self.serve("iperf3", "-s", "-B", bulk)
        self.serve(sys.executable, "-c", SPEAK, "echo", odd, "41000")
        self.answers(bulk, 5201)
        self.actions += [
            lambda: self.ask("iperf3", "-c", bulk, "-n", "8M", "-b", "400M"),
            lambda: self.ask("iperf3", "-c", bulk, "-u", "-n", "2M", "-b", "100M", "-l", "1200"),
            lambda: self.ask(sys.executable, "-c", SPEAK, "odd", odd, "41000"),
            lambda: self.ask("ping", "-q", "-c", "5", "-i", "0.02", icmp),
        ]

    def make(self) -> None:
        for part in (self.web, self.names, self.shell, self.databases, self.calls, self.files, self.others):
            part()
        self.file("hosts", "\n".join(self.hosts) + "\n")
        time.sleep(1)  # servers of UDP have no port that could be asked
        capture = self.dir / "live.pcap"
        sniffer = subprocess.Popen(["ip", "netns", "exec", self.client, "tcpdump", "-Z", "root", "-i", "eth0", "-U", "-B", "65536", "-w", str(capture),
                                    "not icmp6 and not arp"], stderr=self.log)
        wait_for("tcpdump does not start", 10, lambda: capture.exists() and capture.stat().st_size >= 24)
        failed: list[str] = []
        for number in range(self.rounds):
            for action in self.actions:
                try:
                    action()
                except (BenchError, subprocess.TimeoutExpired) as error:
                    failed.append(str(error))
            say(f"corpus: round {number + 1} of {self.rounds}, {capture.stat().st_size >> 20} MB")
        time.sleep(1)
        sniffer.terminate()
        sniffer.wait(20)
        shutil.copyfile(capture, self.dir / "corpus.pcap")  # written packet by packet it lies in the page cache in pieces
        for text in failed:
            say(f"corpus: a client failed: {text}")
        if len(failed) > len(self.actions) * self.rounds // 20:
            raise BenchError(f"{len(failed)} of {len(self.actions) * self.rounds} clients failed; see {self.dir}/log")
        self.file("labels.json", json.dumps(self.labels, indent=1))


def make(directory: pathlib.Path, rounds: int, megabytes: int) -> None:
    corpus = Corpus(directory, rounds, megabytes)
    try:
        corpus.up()
        corpus.make()
    finally:
        corpus.down()


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]), 2, 5)
