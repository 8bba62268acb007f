"""The command line as people run it: a process of its own, its exit code and what it says."""

import asyncio
import os
import subprocess
import sys
from typing import NamedTuple


class Ran(NamedTuple):
    """How a command ended; ``told`` is all it printed."""

    code: int
    told: str


async def sanji(*words: object) -> Ran:
    """Runs ``sanji`` with these words."""
    command = [sys.executable, "-m", "hub", *map(str, words)]
    environment = {key: text for key, text in os.environ.items() if not key.startswith("SANJI_")}
    environment |= {"COLUMNS": "200", "NO_COLOR": "1"}
    done = await asyncio.to_thread(
        subprocess.run, command, check=False, capture_output=True, text=True, timeout=240, env=environment
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout + done.stderr)
