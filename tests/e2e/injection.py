"""Texts that would matter if anything ever took them for more than texts, put everywhere where a user may write: into every
string, label and annotation that a kind has, into ids, names, filters, masks and tokens. Each comes back as it went in, or is
refused; nothing is carried out, no answer of a refusal and no line of a log holds a control character.

    injection.py FOLDER PORT    the credential's three parts are cert.pem, key.pem and ca.pem in the folder

tests/e2e/hostile.sh runs it, and looks into logs and files afterwards.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata

import grpc

FOLDER, PORT, CTL = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
MARK = f"{FOLDER}/executed"
LOCATION, FILTER, PAGE_TOKEN = 20, 4, 3  # fields of Site and ListSitesRequest
TEXTS = [
    # SQL
    "'; DROP TABLE resource; --", "x' OR '1'='1", "\"; ATTACH DATABASE '/tmp/x' AS x; --", "1); DELETE FROM resource; --", "%' UNION SELECT value FROM meta --",
    # shells, and what starts programs
    f"$(touch {MARK})", f"`touch {MARK}`", f"; touch {MARK};", f"| touch {MARK}", f"&& touch {MARK}", f"\n touch {MARK}\n", "${IFS}", "~root", "*", "-rf",
    # formats and templates
    "%s%s%n%x", "%99999999d", "{{ 7 * 7 }}", "${7*7}", "#{7*7}", "<%= 7 * 7 %>", "{% include '/etc/passwd' %}", "${jndi:ldap://127.0.0.1/x}", "%{if true}x%{endif}", "$${x}",
    # JSON, YAML, HTML
    '", "role": "ROLE_ADMIN", "x": "', "\\u0022}", "!!python/object/apply:os.system [id]", "&a [*a, *a]", "- x: y\n- z", "key: value # no", "<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>",
    "no", "null", "~", "1e999", "0x10", "2026-01-01",
    # paths
    "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/shadow", "file:///etc/passwd", "a/../../b", "%2e%2e%2f", "\\\\host\\share",
    # what steers terminals and readers
    "\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\u202egnp.exe", "line\r\nSet-Cookie: x=1", "a\n2026-01-01T00:00:00.000Z info  leading term=9", 'x" level="error', "\u2028\u2029", "\ufeff", "\x7f\x08\x08",
    # what is long, odd or empty in other ways
    " ", "\t", "ä\U0001f600", "e\u0301", "a" * 255,
]


def channel(port: int) -> grpc.Channel:
    parts = [open(f"{FOLDER}/{name}.pem", "rb").read() for name in ("ca", "key", "cert")]
    return grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(*parts))


def ctl(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*CTL, *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        sys.exit(f"FAILED: {words}: {done.stderr[-300:]}")
    return done


def harmless(what: str, text: str) -> None:
    for c in text:
        if c != "\n" and unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            sys.exit(f"FAILED: {what} holds U+{ord(c):04X}: {text[:200]!r}")


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def call(to: grpc.Channel, method: str, request: bytes, what: str) -> bytes | None:
    """The answer; None for a refusal, which must be one of the request and say nothing raw."""
    kind = to.unary_stream if "Download" in method else to.unary_unary
    try:
        answer = kind(f"/patronus.v1.{method}", None, None)(request, timeout=20)
        return b"".join(answer) if "Download" in method else answer
    except grpc.RpcError as error:
        good = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
        if error.code() not in good:
            sys.exit(f"FAILED: {method} of {what!r}: {error.code()} {error.details()}")
        harmless(f"the refusal of {what!r} by {method}", error.details())
        return None


# ---- values: what is stored is what was sent
def values(to: grpc.Channel) -> None:
    kept = {}
    for i, text in enumerate(TEXTS):
        pair = field(1, "a") + field(2, text)
        site = field(9, text) + field(LOCATION, text) + field(7, pair) + field(8, pair)
        request = field(1, "organizations/acme") + field(2, f"inj{i}") + field(3, site)
        if call(to, "SiteService/CreateSite", request, text) is not None:
            kept[f"organizations/acme/sites/inj{i}"] = text
    if len(kept) < len(TEXTS) * 3 // 4:
        sys.exit(f"FAILED: only {len(kept)} of {len(TEXTS)} texts may be written at all")
    listed = json.loads(ctl("list", "sites", "-p", "acme", "-o", "json").stdout)
    found = {site["name"]: site for site in listed["items"]}
    for name, text in kept.items():
        site = found[name]
        got = [site["displayName"], site["location"], site["labels"]["a"], site["annotations"]["a"]]
        if got != [text] * 4:
            sys.exit(f"FAILED: {text!r} came back as {got!r}")
    harmless("the table", ctl("list", "sites", "-p", "acme").stdout)
    # Out as YAML and in again: nothing changes.
    file = f"{FOLDER}/injection.yaml"
    with open(file, "w", newline="") as out:
        out.write(ctl("list", "sites", "-p", "acme", "-o", "yaml").stdout)
    again = ctl("apply", "-f", file).stdout
    if again.count("unchanged") < len(kept):
        sys.exit(f"FAILED: through YAML and back: {again[-400:]}")
    print(f"{len(kept)} texts stored in four places each and read back, also through YAML; {len(TEXTS) - len(kept)} refused")


# ---- filters, ids and names: texts that are looked at
def filters(to: grpc.Channel) -> None:
    hits = 0
    for text in TEXTS:
        for filter in (f"display_name = {json.dumps(text, ensure_ascii=False)}", text, f"labels.a:{text}"):
            answer = call(to, "SiteService/ListSites", field(1, "organizations/acme") + field(FILTER, filter), text) or b""
            found = set(re.findall(rb"sites/(inj[0-9]+)", answer))
            if len(found) > 1 and filter.strip():
                sys.exit(f"FAILED: the filter {filter!r} finds {found}")
            hits += len(found)
    done = ctl("list", "sites", "-p", "acme", "--filter", "display_name = \x1b[2J", check=False)
    harmless("a filter's refusal", done.stdout + done.stderr)
    print(f"{len(TEXTS) * 3} filters: {hits} find their site, none finds another")


def names(to: grpc.Channel) -> None:
    calls = 0
    for text in TEXTS:
        for method, request in [
            ("SiteService/CreateSite", field(1, text) + field(2, "x")),
            ("SiteService/GetSite", field(1, f"organizations/acme/sites/{text}")),
            ("SiteService/DeleteSite", field(1, f"organizations/{text}")),
            ("SiteService/ListSites", field(1, "organizations/acme") + field(PAGE_TOKEN, text)),
            ("ModelService/GetModel", field(1, f"organizations/acme/models/{text}")),
            ("ArtifactService/DownloadArtifact", field(1, f"organizations/acme/models/m/versions/{text}")),
            ("SiteService/CreateSite", field(1, "organizations/acme") + field(2, text)),
        ]:
            calls += 1
            if call(to, method, request, text) is None:
                continue
            if request != field(1, "organizations/acme") + field(2, text) or not re.fullmatch("[a-z0-9-]+", text):
                sys.exit(f"FAILED: {method} takes {text!r}")
            ctl("delete", "site", text, "-p", "acme")  # a good id, by chance
    print(f"{calls} names, ids and page tokens refused")


with channel(PORT) as leader:
    values(leader)
    filters(leader)
    names(leader)
