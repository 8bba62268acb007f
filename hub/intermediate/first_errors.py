"""Which of several errors that ended work done side by side is told."""

import asyncio

from hub.stopping import is_stopping


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the first that is no cancellation, however deep it lies; a cancellation where the work is being ended."""
    if is_stopping():
        return asyncio.CancelledError()
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = next(
            (one for one in error.exceptions if not isinstance(one, asyncio.CancelledError)), error.exceptions[0]
        )
    return error
