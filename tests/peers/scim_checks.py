"""Checks our door for lists of people with scim2-tester, and prints one JSON line a check.

Usage: scim_checks.py BASE AUTHORITY.pem; the secret comes by standard input.
"""

import json
import ssl
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server


def main() -> None:
    """Runs all checks."""
    base, authority = sys.argv[1:]
    secret = sys.stdin.read().strip()
    tls = ssl.create_default_context(cafile=authority)
    with Client(base_url=base, headers={"Authorization": f"Bearer {secret}"}, verify=tls) as http:
        for result in check_server(SyncSCIMClient(http)):
            line = {"name": result.title, "status": result.status.name, "told": str(result.reason)}
            print(json.dumps(line))  # noqa: T201 — the test reads it


main()
