"""Where what came is decoded: at once where it is little, otherwise in one of a few threads."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

#: Decoding more than this would hold up the event loop.
_INLINE_BYTES = 64 * 1024
# Decoded data takes up to 25 times the room of its JSON, so few requests are decoded at once.
_threads = ThreadPoolExecutor(2, thread_name_prefix="decode")

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


async def in_thread_if_large(
    size: int, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Call a function, in a thread where `size` bytes are too many for the event loop."""
    if size > _INLINE_BYTES:
        call = functools.partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(_threads, call)
    return function(*args, **kwargs)
