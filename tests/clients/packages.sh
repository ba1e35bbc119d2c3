#!/usr/bin/env bash
# The Debian packages: what is in them, and that what they bring runs. With PT_LONG=1 (tests/run --long), as root, they are
# installed into a clean chroot made by debootstrap, run, removed and purged; then nothing is left.
set -euo pipefail
cd "$(dirname "$0")/../.."

BUILD=${PT_BUILD_DIR:-build/dev}
for tool in cpack dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
WORK=$(mktemp -d)
ROOT=$WORK/root
NODE=
finish() {
    [ -z "$NODE" ] || { pkill -KILL -P "$NODE" || true; kill -KILL "$NODE"; } 2>/dev/null || true
    if mountpoint -q "$ROOT/proc" 2>/dev/null; then umount "$ROOT/proc"; fi
    rm -rf --one-file-system "$WORK"
}
trap finish EXIT
fail() { echo "FAILED: $*"; exit 1; }

deploy/package --build "$BUILD" --to "$WORK/packages" >"$WORK/made" || { cat "$WORK/made"; fail "deploy/package"; }

# ---- what is in them
declare -A FILES=(
    [patronusd]='/usr/bin/patronusd /usr/lib/systemd/system/patronusd.service /usr/share/man/man8/patronusd.8.gz
        /usr/share/doc/patronusd/copyright /usr/share/doc/patronusd/changelog.gz /usr/share/doc/patronusd/examples/patronusd.conf'
    [patronusctl]='/usr/bin/patronusctl /usr/share/man/man1/patronusctl.1.gz /usr/share/bash-completion/completions/patronusctl
        /usr/share/zsh/vendor-completions/_patronusctl /usr/share/fish/vendor_completions.d/patronusctl.fish
        /usr/share/doc/patronusctl/copyright /usr/share/doc/patronusctl/changelog.gz'
)
for name in patronusd patronusctl; do
    deb=$(echo "$WORK/packages/${name}"_*.deb)
    to=$WORK/$name
    dpkg-deb -R "$deb" "$to"
    read -ra want <<<"$(tr '\n' ' ' <<<"${FILES[$name]}")"
    # libraft goes along where no package owns it.
    found=$(cd "$to" && find . -type f ! -path './DEBIAN/*' ! -path './usr/lib/patronus/libraft.so.0' | sed 's|^\.||' | sort)
    [ "$found" = "$(printf '%s\n' "${want[@]}" | sort)" ] || fail "$name holds: $found"
    (cd "$to" && md5sum --quiet -c DEBIAN/md5sums) || fail "md5sums of $name"
    dpkg-deb -c "$deb" | awk '$2 != "root/root" { bad = 1; print } END { exit bad }' || fail "$name: not root's"
    dpkg-deb -c "$deb" | awk '$1 ~ /^d/ && $1 != "drwxr-xr-x" || $1 ~ /^-/ && $1 !~ /^-rw[x-]r-[x-]r-[x-]$/ { bad = 1; print } END { exit bad }' ||
        fail "$name: modes"
    for field in Package Version Architecture Maintainer Description Depends Section Priority Homepage; do
        [ -n "$(dpkg-deb -f "$deb" $field)" ] || fail "$name lacks $field"
    done
    dpkg-deb -f "$deb" Depends | grep -q 'libc6 (>= ' || fail "$name: libraries are not among what it depends on"
    ! dpkg-deb -f "$deb" Depends | grep -q libraft || [ ! -e "$to/usr/lib/patronus" ] || fail "libraft twice"
    find "$to/usr" -type f \( -path '*/bin/*' -o -path '*/lib/patronus/*' \) | while read -r file; do
        ! readelf -S "$file" | grep -q '\.debug_info' || fail "$file is not stripped"
        # shellcheck disable=SC2016 # a linker's word
        ! readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -v '\[/usr/lib/patronus\]' || fail "$file looks for libraries elsewhere"
    done
    for script in "$to"/DEBIAN/{postinst,prerm,postrm}; do
        [ ! -e "$script" ] || { [ -x "$script" ] && sh -n "$script"; } || fail "$script"
    done
    for page in "$to"/usr/share/man/man*/*.gz; do
        zcat "$page" | head -n 1 | grep -q '^\.TH PATRONUS' || fail "$page is no manual page"
        if command -v man >/dev/null && [ "$(MANROFFSEQ='' LC_ALL=C.UTF-8 man --warnings -l -Tutf8 "$page" 2>&1 >/dev/null | wc -l)" != 0 ]; then
            fail "man complains about $page"
        fi
    done
    echo "ok: $name: ${#want[@]} files, owners, modes, control, scripts, manual page"
done
bash -n "$WORK/patronusctl/usr/share/bash-completion/completions/patronusctl"
cmp deploy/systemd/patronusd.service "$WORK/patronusd/usr/lib/systemd/system/patronusd.service"
if command -v systemd-analyze >/dev/null; then
    # The unit names a program that is not installed here; everything else that it says must be right.
    systemd-analyze verify --man=no "$WORK/patronusd/usr/lib/systemd/system/patronusd.service" >"$WORK/verify" 2>&1 || true
    ! grep -F patronusd.service "$WORK/verify" | grep -v 'is not executable' || fail "systemd-analyze verify"
    systemd-analyze security --no-pager --offline=true --threshold=50 "$WORK/patronusd/usr/lib/systemd/system/patronusd.service" >"$WORK/security" ||
        { tail -n 3 "$WORK/security"; fail "the unit is exposed more than 5.0 of 10"; }
    echo "ok: unit: $(tail -n 1 "$WORK/security" | sed 's/^[^A-Z]*//')"
fi
LD_LIBRARY_PATH=$WORK/patronusd/usr/lib/patronus "$WORK/patronusd/usr/bin/patronusd" --help | grep -q '^Usage: patronusd'
"$WORK/patronusctl/usr/bin/patronusctl" --help | grep -q '^Usage: patronusctl'
echo "ok: the packed programs run"

# ---- in a clean system
if [ "${PT_LONG:-0}" != 1 ]; then
    echo "not run without PT_LONG=1: installation into a chroot"
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    echo "skipped: the chroot needs root and debootstrap"
    exit 77
fi
# shellcheck disable=SC1091
. /etc/os-release
# shellcheck disable=SC2016  # apt's own placeholders
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Identifier: Packages' | awk -v r="$VERSION_CODENAME" '$1 == r { print $2; exit }')
debootstrap --variant=minbase "$VERSION_CODENAME" "$ROOT" "${mirror:-http://deb.debian.org/debian}" >"$WORK/debootstrap.log" 2>&1 ||
    { echo "skipped: debootstrap found no mirror: $(tail -n 1 "$WORK/debootstrap.log")"; exit 77; }
mount -t proc proc "$ROOT/proc"
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
cp "$WORK"/packages/*.deb "$ROOT/srv"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
inside() { chroot "$ROOT" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
everything() {
    find "$ROOT" -xdev -path "$ROOT/proc" -prune -o -path "$ROOT/var/cache" -prune -o -path "$ROOT/var/log" -prune -o -path "$ROOT/tmp" -prune \
        -o -path "$ROOT/var/lib/dpkg" -prune -o -path "$ROOT/var/lib/apt" -prune -o -print | sort
}
for name in patronusd patronusctl; do
    # What it depends on first, so that what is left later can only be ours.
    inside apt-get satisfy -y -qq --no-install-recommends "$(dpkg-deb -f "$WORK/packages/$name"_*.deb Depends)" >"$WORK/satisfy.log" 2>&1 ||
        { tail -n 5 "$WORK/satisfy.log"; fail "what $name depends on is not there in a clean $VERSION_CODENAME"; }
done
everything >"$WORK/before"
inside sh -c 'dpkg -i /srv/patronusd_*.deb /srv/patronusctl_*.deb' >"$WORK/install.log" 2>&1 || { tail -n 5 "$WORK/install.log"; fail "installation"; }
inside patronusd --help | grep -q '^Usage: patronusd'
inside patronusctl explain site.region | grep -q region
ports=(--api-port "${PT_PORT:-17160}" --peer-port $((${PT_PORT:-17160} + 1)) --agent-port $((${PT_PORT:-17160} + 2)))
inside patronusd init --no-start --address 127.0.0.1 "${ports[@]}" --admin-file /srv/admin.pem >/dev/null 2>&1 || fail "init in the chroot"
[ -e "$ROOT/var/lib/patronus/identity" ]
inside systemctl is-enabled patronusd.service 2>/dev/null | grep -qx enabled || [ -L "$ROOT/etc/systemd/system/multi-user.target.wants/patronusd.service" ] ||
    fail "the unit is not enabled"

# ---- as the unit starts it: no systemd runs in a chroot, so its command, capabilities, mask and limit are taken from it
unit=$ROOT/usr/lib/systemd/system/patronusd.service
of_unit() { sed -n "s/^$1=//p" "$unit"; }
read -ra start <<<"$(of_unit ExecStart)"
capabilities=$(of_unit CapabilityBoundingSet | tr '[:upper:] ' '[:lower:],' | sed 's/cap_/+/g')
bounds=() # those that this machine allows to be set
for bound in "prlimit --nofile=$(of_unit LimitNOFILE)" "setpriv --bounding-set=-all,$capabilities --no-new-privs"; do
    read -ra words <<<"$bound"
    if inside "${words[@]}" true 2>/dev/null; then bounds+=("${words[@]}"); else echo "not set here: $bound"; fi
done
node_starts() {
    (umask "$(of_unit UMask)" && inside "${bounds[@]}" "${start[@]}" >>"$WORK/node.log" 2>&1) &
    NODE=$!
}
ctl() { inside patronusctl --server "127.0.0.1:${PT_PORT:-17160}" --credential /srv/admin.pem "$@" 2>>"$WORK/ctl.log"; }
node_answers() { ctl cluster status >/dev/null; }
until_true() { # SECONDS COMMAND
    local end=$((SECONDS + $1))
    until "$2"; do
        [ $SECONDS -lt $end ] || { tail -n 5 "$WORK/node.log" "$WORK/ctl.log"; fail "$2: not within $1 s"; }
        sleep 0.2
    done
}
node_ends() { # on SIGTERM, as systemctl stop sends it
    pkill -TERM -P "$NODE" -x patronusd || kill -TERM "$NODE"
    wait "$NODE" || fail "the node ends with $?"
    NODE=
}
node_starts
until_true 30 node_answers
ctl create organization kept >/dev/null || fail "a write to the node"
node_ends
node_starts
until_true 30 node_answers
[ "$(ctl get organizations -o name)" = organizations/kept ] || fail "what was written is not there after a restart"
node_ends
echo "ok: started by the unit's command within its bounds, stopped, started again"
inside dpkg --remove patronusd patronusctl >"$WORK/remove.log" 2>&1 || { tail -n 5 "$WORK/remove.log"; fail "removal"; }
[ -e "$ROOT/var/lib/patronus/identity" ] || fail "removal took the node's identity; only a purge may"
[ ! -e "$ROOT/usr/bin/patronusd" ]
inside dpkg --purge patronusd patronusctl >"$WORK/purge.log" 2>&1 || { tail -n 5 "$WORK/purge.log"; fail "purge"; }
rm -f "$ROOT/srv/admin.pem"
everything >"$WORK/after"
diff "$WORK/before" "$WORK/after" || fail "something is left"
echo "ok: installed into a clean $VERSION_CODENAME, run, removed, purged; nothing is left"
