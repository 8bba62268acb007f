"""Whether work is being ended.

A group of tasks that is cancelled while one of them fails raises the failure alone, and the cancellation is gone: a
worker that takes up its work after failures would never end.
"""

import asyncio


def is_stopping() -> bool:
    """Tells whether the task that asks was cancelled and has not ended yet."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
