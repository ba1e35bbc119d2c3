#!/bin/bash
# tests/e2e/older-build in small histories of its own: an older state that builds is given and kept, one that does not
# build is a failure, and only one that is not in the history is a skip.
#
# Usage: tests/e2e/older_build.sh
# Exit code: 0 passed, 1 failed.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAIL: $*" >&2
    cat "$work/out" "$work/err" >&2
    exit 1
}
commit() { git -C "$work/$1" add -A && git -C "$work/$1" -c user.name=t -c user.email=t@example.test commit -qm "$2"; }
# history NAME STATEMENT: level 1, whose build begins with the statement, and level 2 behind it
history() {
    mkdir -p "$work/$1/tests/e2e" "$work/$1/internal/kind"
    git -C "$work/$1" init -q
    cp "$root/tests/e2e/older-build" "$work/$1/tests/e2e/"
    printf 'build\n' >"$work/$1/.gitignore"
    printf 'int main(void) { return 0; }\n' >"$work/$1/main.c"
    printf '%s\n' "cmake_minimum_required(VERSION 3.20)" "project(older C)" "$2" \
        'set(CMAKE_RUNTIME_OUTPUT_DIRECTORY bin)' 'add_executable(patronusd main.c)' >"$work/$1/CMakeLists.txt"
    echo '#define PT_CLUSTER_LEVEL_MAX 1 /* highest */' >"$work/$1/internal/kind/kind.h"
    commit "$1" one
    echo '#define PT_CLUSTER_LEVEL_MAX 2 /* highest */' >"$work/$1/internal/kind/kind.h"
    commit "$1" two
}
# gives CODE NAME [WORDS]: the code, and the words on stderr
gives() {
    local code=0
    "$work/$2/tests/e2e/older-build" >"$work/out" 2>"$work/err" || code=$?
    [ $code = "$1" ] || fail "$2: exit code $code, not $1"
    grep -qF -- "${3:-}" "$work/err" || [ -z "${3:-}" ] || fail "$2: it does not say '$3'"
}
history fine ''
gives 0 fine
kept=$(cat "$work/out")
"$kept" || fail "what was built does not run"
touch -d @1 "$kept"
gives 0 fine
[ "$(cat "$work/out") $(stat -c %Y "$kept")" = "$kept 1" ] || fail "it was built a second time"
history broken 'message(FATAL_ERROR "nothing to be had")'
gives 1 broken "does not build: CMake Error"
git clone -q --depth 1 "file://$work/broken" "$work/shallow"
gives 77 shallow "a shallow clone?"
rm -rf "$work/broken/.git"
GIT_CEILING_DIRECTORIES=$work gives 77 broken "no git clone"
echo "ok: an older state is given, fails loudly, or is not there"
