"""Work on many inputs on all cores, where a bad one stops none of the others."""

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
    """Call `function` on each item, in threads; give the results in order, and the `InputError`s of the others.

    Threads are enough: Pillow, OpenCV, numpy and LiteRT work outside of Python's lock.
    """

    def attempt(item: Item) -> Result | InputError:
        try:
            return function(item)
        except InputError as error:
            return error

    good, bad = [], []
    with ThreadPoolExecutor() as pool:
        for outcome in pool.map(attempt, items):
            (bad if isinstance(outcome, InputError) else good).append(outcome)
            progress.update()
    return good, bad
