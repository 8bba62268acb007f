#!/bin/sh
# Installs the servers and clients of others that the sign-on tests run against, into .peers/ of this project: pinned in
# tests/peers, never imported by what ships. Says nothing when all of them are there; says what is missing where it
# cannot install.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
pins="$here/tests/peers"
peers="$here/.peers"
python="${PYTHON:-$here/.venv/bin/python}"

mkdir -p "$peers"
if ! cmp -s "$pins/package-lock.json" "$peers/package-lock.json" 2>/dev/null; then
    if command -v npm >/dev/null 2>&1 && command -v node >/dev/null 2>&1; then
        echo "Installing: peers of the sign-on tests (npm)"
        cp "$pins/package.json" "$peers/package.json"
        cp "$pins/package-lock.json" "$peers/package-lock.json.new"
        mv "$peers/package-lock.json.new" "$peers/package-lock.json"
        (cd "$peers" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1) || {
            echo "Could not install tests/peers/package.json; see .peers/npm.log. What needs it is left out."
            rm -f "$peers/package-lock.json"
        }
    else
        echo "Wanted, and not here: node and npm (20 or later). What needs them is left out."
    fi
fi
if ! cmp -s "$pins/requirements.txt" "$peers/requirements.txt" 2>/dev/null; then
    echo "Installing: peers of the sign-on tests (Python)"
    rm -rf "$peers/python"
    if "$python" -m venv "$peers/python" >/dev/null 2>&1 &&
        "$peers/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
            -r "$pins/requirements.txt" >"$peers/pip.log" 2>&1; then
        cp "$pins/requirements.txt" "$peers/requirements.txt"
    else
        echo "Could not install tests/peers/requirements.txt; see .peers/pip.log. What needs it is left out."
    fi
fi
