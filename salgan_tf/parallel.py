"""Process many inputs on all cores; a bad one does not stop the others."""

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import cv2
from tqdm import tqdm

from salgan_tf.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Each may hold a model, and a decoded photograph.
_MOST_THREADS = 16


@contextlib.contextmanager
def naming_lack_of_memory(subject: str | Path) -> Iterator[None]:
    """Turn a lack of memory in a block, also OpenCV's, into an `InputError` that names `subject`."""
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        raise InputError(subject, "there is not enough memory for it") from error


def attempt_each(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Generator[Result | InputError, None, None]:
    """Call `function` on each item in threads, and yield its results in order, or its `InputError`s.

    An item for which there is not enough memory is such an error too. Whoever stops early closes the iterator, which
    drops the items that were not begun.

    There is a thread for each core, or as many as given. Threads are enough, since Pillow, OpenCV, numpy and LiteRT
    release Python's lock.
    """

    def attempt(item: Item) -> Result | InputError:
        try:
            with naming_lack_of_memory(str(getattr(item, "image", item))):
                return function(item)
        except InputError as error:
            return error

    with ThreadPoolExecutor(threads or min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        yield from pool.map(attempt, items)


def attempt_all(
    function: Callable[[Item], Result], items: Iterable[Item], progress: tqdm, threads: int | None = None
) -> tuple[list[Result], list[InputError]]:
    """Call `function` on each item as `attempt_each` does; return the results, and the errors, both in order."""
    good: list[Result] = []
    bad: list[InputError] = []
    for outcome in attempt_each(function, items, threads):
        if isinstance(outcome, InputError):
            bad.append(outcome)
        else:
            good.append(outcome)
        progress.update()
    return good, bad
