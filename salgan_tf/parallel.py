"""Process many inputs on all cores; a bad one does not stop the others."""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

from salgan_tf.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
# Each may hold a model, and a decoded photograph.
_MOST_THREADS = 16


def attempt_each(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[Result | InputError, None, None]:
    """Call `function` on each item in threads, and yield its results in order, or its `InputError`s.

    An item for which there is not enough memory is such an error too. Whoever stops early closes the iterator, which
    drops the items that were not begun.

    Threads are enough, since Pillow, OpenCV, numpy and LiteRT release Python's lock.
    """

    def attempt(item: Item) -> Result | InputError:
        try:
            return function(item)
        except InputError as error:
            return error
        except MemoryError:
            return InputError(str(getattr(item, "image", item)), "there is not enough memory for it")

    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        yield from pool.map(attempt, items)


def attempt_all(
    function: Callable[[Item], Result], items: Iterable[Item], progress: tqdm
) -> tuple[list[Result], list[InputError]]:
    """Call `function` on each item as `attempt_each` does; return the results, and the errors, both in order."""
    good: list[Result] = []
    bad: list[InputError] = []
    for outcome in attempt_each(function, items):
        if isinstance(outcome, InputError):
            bad.append(outcome)
        else:
            good.append(outcome)
        progress.update()
    return good, bad
