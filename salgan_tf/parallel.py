"""Process many inputs on all cores; a bad one does not stop the others."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

from salgan_tf.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


def attempt_all(
    function: Callable[[Item], Result], items: Iterable[Item], progress: tqdm
) -> tuple[list[Result], list[InputError]]:
    """Call `function` on each item in threads; return the results in order, and the `InputError`s of the others.

    An item for which there is not enough memory is such an error too.

    Threads are enough, since Pillow, OpenCV, numpy and LiteRT release Python's lock.
    """

    def attempt(item: Item) -> Result | InputError:
        try:
            return function(item)
        except InputError as error:
            return error
        except MemoryError:
            return InputError(str(getattr(item, "image", item)), "there is not enough memory for it")

    good: list[Result] = []
    bad: list[InputError] = []
    with ThreadPoolExecutor() as pool:
        for outcome in pool.map(attempt, items):
            if isinstance(outcome, InputError):
                bad.append(outcome)
            else:
                good.append(outcome)
            progress.update()
    return good, bad
