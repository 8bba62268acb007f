#!/bin/sh
# Compares what is locked with the vulnerabilities the package index knows. Fails when one is found. When nobody can be
# asked it says so and passes: a closed network must be able to run the checks, and silence must not look like a finding.
set -eu
UV=.tools/bin/uv
PYTHON=.venv/bin/python
# A release known to be vulnerable for years: an index that tells nothing of it tells nothing of anything.
KNOWN="${SANJI_KNOWN_VULNERABLE:-https://pypi.org/pypi/jinja2/3.1.2/json}"

if ! "$PYTHON" - "$KNOWN" <<'PYTHON'
import json, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
        sys.exit(0 if json.load(answer).get("vulnerabilities") else 1)
except (OSError, ValueError):
    sys.exit(1)
PYTHON
then
	echo "Dependencies NOT AUDITED: the index is not reachable, or tells no vulnerabilities. 依赖未审计。"
	exit 0
fi
"$UV" export --frozen --quiet --no-emit-project --all-extras -o .tools/requirements.txt
if ! "$UV" tool run --quiet pip-audit==2.10.1 --version >/dev/null 2>&1; then
	echo "Dependencies NOT AUDITED: pip-audit cannot be installed. 依赖未审计。"
	exit 0
fi
"$UV" tool run --quiet pip-audit==2.10.1 --require-hashes --disable-pip -r .tools/requirements.txt
