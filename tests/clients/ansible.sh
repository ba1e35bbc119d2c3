#!/usr/bin/env bash
# The Ansible collection, for real, against three controllers: its modules declare sites and find nothing to do the second
# time, its inventory shows them. With PT_LONG=1 (tests/run --long) its roles install and join those controllers and
# upgrade them one by one, and ansible-test looks at the collection, which takes minutes; else tests/clients/cluster.sh
# makes them.
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD

TOOLS=${PT_PYTHON_HOME:-/usr/local/lib/patronus-tools/python}/bin
BIN=$(realpath "${PT_BUILD_DIR:-build/dev}")/bin
if [ ! -x "$TOOLS/ansible-playbook" ]; then
    echo "skipped: ansible-core is not installed (deploy/deps --with clients)"
    exit 77
fi

WORK=$(mktemp -d)
LONG=${PT_LONG:-0}
# shellcheck source=tests/clients/cluster.sh
. tests/clients/cluster.sh
CLUSTER_DIR=$WORK/cluster
export NODES=$WORK/nodes PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/api/python:$ROOT/build PATH=$TOOLS:$PATH
export ANSIBLE_HOME=$WORK/home ANSIBLE_CONFIG=$ROOT/ansible/tests/playbooks/ansible.cfg
PORT=${PT_PORT:-17650}
finish() {
    local id
    for id in c1 c2 c3; do
        [ ! -e "$NODES/$id/pid" ] || kill "$(cat "$NODES/$id/pid")" 2>/dev/null || true
    done
    cluster_stop
    rm -rf "$WORK"
}
trap finish EXIT
fail() {
    echo "FAILED: $*"
    tail -n 40 "$WORK/out"
    exit 1
}

# The tests use the collection as it would be installed.
stage() {
    local to=$ROOT/build/ansible_collections/patronus/sdwan
    rm -rf "$to"
    mkdir -p "$to"
    git ls-files --cached --others --exclude-standard ansible | tar -cf - -T - | tar -xf - -C "$to" --strip-components=1
    export ANSIBLE_COLLECTIONS_PATH=$ROOT/build
}
stage
cmp deploy/systemd/patronusd.service ansible/roles/node/files/patronusd.service

# play WHAT CHANGED PLAYBOOK ARGS...: run it; CHANGED is a number of changed tasks, or "some".
play() {
    local what=$1 changed=$2 playbook=$3 found
    shift 3
    (cd ansible/tests/playbooks && ansible-playbook -i "$WORK/hosts.yml" "$playbook" "$@") >"$WORK/out" 2>&1 || fail "$what"
    ! grep -q 'DEPRECATION WARNING' "$WORK/out" || fail "$what: deprecated"
    found=$(sed -n 's/.*changed=\([0-9]*\).*/\1/p' "$WORK/out" | paste -sd+ | bc)
    case $changed in
        some) [ "$found" -gt 0 ] || fail "$what: nothing was changed" ;;
        *)
            [ "$found" = "$changed" ] || {
                grep -B 6 '^changed' "$WORK/out"
                tail -n 4 "$NODES"/*/log
                fail "$what: $found changed, not $changed"
            }
            ;;
    esac
    echo "ok: $what ($found changed)"
}

mkdir -p "$WORK/bin"
cp "$BIN/patronusd" "$BIN/patronusctl" "$WORK/bin"
cat >"$WORK/hosts.yml" <<YAML
all:
  vars:
    ansible_connection: local
    ansible_python_interpreter: $TOOLS/python
    patronus_node_address: 127.0.0.1
    patronus_node_programs: [patronusd]
    patronus_node_binaries: $WORK/bin
    patronus_upgrade_binaries: $WORK/new
    patronus_node_ctl: $BIN/patronusctl
    patronus_node_service: $ROOT/ansible/tests/playbooks/service
    patronus_node_config_dir: "{{ lookup('env', 'NODES') }}/{{ inventory_hostname }}/etc"
    patronus_node_data_dir: "{{ lookup('env', 'NODES') }}/{{ inventory_hostname }}/data"
    patronus_node_bin_dir: "{{ lookup('env', 'NODES') }}/{{ inventory_hostname }}/bin"
  hosts:
YAML
for i in 1 2 3; do
    mkdir -p "$NODES/c$i/bin"
    port=$((PORT + i * 3))
    echo "    c$i: {patronus_node_api_port: $port, patronus_node_peer_port: $((port + 1)), patronus_node_agent_port: $((port + 2))}"
done >>"$WORK/hosts.yml"
mkdir -p "$NODES/e1/bin"
echo "    e1: {}" >>"$WORK/hosts.yml"
if [ "$LONG" = 1 ]; then
    export PATRONUS_CREDENTIAL=$WORK/admin.pem
    export PATRONUS_SERVER=127.0.0.1:$((PORT + 3)),127.0.0.1:$((PORT + 6)),127.0.0.1:$((PORT + 9))
    play "the role node makes a cluster of three, and an edge" some nodes.yml
    play "the role node, again" 0 nodes.yml --limit c1,c2
else
    echo "not run without PT_LONG=1: the roles node and upgrade (their syntax is checked)"
    for playbook in nodes upgrade; do
        ansible-playbook -i "$WORK/hosts.yml" --syntax-check "ansible/tests/playbooks/$playbook.yml" >"$WORK/out" 2>&1 || fail "syntax of $playbook.yml"
    done
    cluster_start "$CLUSTER_DIR" "$PORT" 2>"$WORK/out" || fail "cluster"
fi

play "what five sites would change" 8 sites.yml --check --diff
play "five sites" 8 sites.yml
play "five sites, again" 0 sites.yml

cat >"$WORK/topology.yml" <<'YAML'
plugin: patronus.sdwan.topology
parent: organizations/ansible
address: internet
keyed_groups: [{key: patronus_labels.tier, prefix: tier}]
YAML
ansible-inventory -i "$WORK/topology.yml" --list >"$WORK/out" 2>&1 || fail "inventory"
python3 - "$WORK/out" <<'PY'
import json, sys
found = json.load(open(sys.argv[1]), object_hook=lambda o: o.get("__ansible_unsafe", o))
hosts = found["_meta"]["hostvars"]
assert sorted(hosts) == [f"e1.s{i}.ansible" for i in range(5)], sorted(hosts)
assert hosts["e1.s2.ansible"]["ansible_host"] == "192.0.2.3"
assert hosts["e1.s2.ansible"]["patronus_site"]["region"] == "eu"
for group in ("tier_gold", "region_eu", "role_hub", "state_active", "disconnected", "org_ansible"):
    assert len(found[group]["hosts"]) == 5, group
assert found["site_ansible_s1"]["hosts"] == ["e1.s1.ansible"]
PY
sed -i 's/^address:.*/hosts: sites/' "$WORK/topology.yml"
ansible-inventory -i "$WORK/topology.yml" --list >"$WORK/out" 2>&1 || fail "inventory of sites"
python3 - "$WORK/out" <<'PY'
import json, sys
found = json.load(open(sys.argv[1]), object_hook=lambda o: o.get("__ansible_unsafe", o))
hosts = found["_meta"]["hostvars"]
assert sorted(hosts) == [f"s{i}.ansible" for i in range(5)], sorted(hosts)
assert "patronus_edge" not in hosts["s2.ansible"] and hosts["s2.ansible"]["patronus_links"]
assert len(found["region_eu"]["hosts"]) == 5 and "connected" not in found
PY
echo "ok: inventory of five edges, and of their sites"

play "reads, refusals, check mode, watch, streams, absence" 7 rest.yml
if [ "$LONG" = 1 ]; then
    play "five sites, once more" 8 sites.yml
    # A new version: the same programs without their symbols.
    mkdir "$WORK/new"
    for program in patronusd patronusctl; do strip -o "$WORK/new/$program" "$BIN/$program"; done
    play "the role upgrade, node by node" some upgrade.yml
    play "the role upgrade, again" 0 upgrade.yml --limit c2
    for i in 1 2 3; do cmp "$WORK/new/patronusd" "/proc/$(cat "$NODES/c$i/pid")/exe"; done
    play "five sites are still there" 0 sites.yml
fi

python -m pytest -q -p no:cacheprovider --rootdir build/ansible_collections build/ansible_collections/patronus/sdwan/tests/unit
(cd build/ansible_collections/patronus/sdwan && ansible-galaxy collection build --output-path "$WORK" >"$WORK/out" 2>&1) || fail "tarball"
tar -tzf "$WORK"/patronus-sdwan-*.tar.gz | grep plugins/modules/site.py >/dev/null
echo "ok: tarball"

# ansible-test makes environments of its own, with the packages that it pins: minutes, and PyPI must be in reach. It
# begins each with a script from a host that need not be: Python's own ensurepip does the same.
if [ "$LONG" = 1 ]; then
    mkdir -p "$WORK/sanity/.ansible/test/cache"
    printf 'import ensurepip\nensurepip.bootstrap()\n' >"$WORK/sanity/.ansible/test/cache/get_pip_24_2.py"
    stage # without what the tests above left in it
    # The licence is Apache-2.0 throughout; ansible-test asks for Ansible's own.
    (cd build/ansible_collections/patronus/sdwan && for file in plugins/modules/*.py; do
        echo "$file validate-modules:missing-gplv3-license # Apache-2.0"
    done >>tests/sanity/ignore-2.19.txt)
    (cd build/ansible_collections/patronus/sdwan && env -u PYTHONPATH HOME="$WORK/sanity" ANSIBLE_HOME="$WORK/sanity/.ansible" LC_ALL=C.UTF-8 \
        ansible-test sanity --venv --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')") >"$WORK/out" 2>&1 || fail "ansible-test sanity"
    echo "ok: ansible-test sanity"
fi
