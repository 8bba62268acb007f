"""Which of several errors that ended work done side by side is told."""

import asyncio


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Returns the first that is no cancellation, however deep it lies."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = next(
            (one for one in error.exceptions if not isinstance(one, asyncio.CancelledError)), error.exceptions[0]
        )
    return error
