"""Ray: a call for each of many items, in processes on the cores of this machine or of a cluster."""

import collections
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from salgan_tf import extras
from salgan_tf.errors import InputError, first_line, report
from salgan_tf.native import quiet_stderr

# Ray reads them when it is imported: nothing is reported to its makers, and only fatal errors are shown.
_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS_SKIP_REGEX": "worker died",
}
# What Ray keeps for results; here a few bytes for each item.
_STORE_BYTES = 100 * 2**20
_SECONDS = 10
# How many processes an item may end, alone or together with others, before it is given up.
_MOST_ENDS = 3
# How many processes on a core may end one after the other without any outcome before all is given up.
_MOST_IN_VAIN = 8


def import_ray() -> Any:
    """Import Ray, quietly.

    Raises:
        InputError: the extra `ray` is not installed.
    """
    extras.require("--engine ray", "ray")
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    import ray

    return ray


@contextlib.contextmanager
def cluster() -> Iterator[int]:
    """Join the cluster of the variable RAY_ADDRESS, or start one on this machine, until the block ends.

    A cluster that this process has joined or started before is used, and stays.

    Yields:
        The number of its cores.

    Raises:
        InputError: the extra `ray` is not installed, or there is no such cluster.
    """
    ray = import_ray()
    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {} if address else {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    started = not ray.is_initialized()
    try:
        if started:
            try:
                _check_address(address)
                with quiet_stderr():
                    ray.init(address or "local", logging_level=logging.ERROR, log_to_driver=False, **own)
            except (OSError, RuntimeError, ValueError) as error:
                subject = f"RAY_ADDRESS={address}" if address else "--engine ray"
                raise InputError(subject, f"Ray cannot be used: {first_line(error)}") from error
        yield max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if started:
            ray.shutdown()


def _check_address(address: str | None) -> None:
    """Check that somebody listens at HOST:PORT: Ray itself waits for minutes."""
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), _SECONDS).close()


class _Caller:
    """What runs in a process of Ray: `make(*arguments)` once, and what it returns on each item."""

    def __init__(self, make: Callable[..., Callable[[str], str]], arguments: tuple, at_once: int):
        self._make, self._arguments, self._at_once = make, arguments, at_once
        self._call: Callable[[str], str] | None = None

    def call(self, items: list[str]) -> list[str] | tuple[str, str]:
        """Return the outcomes, or the subject and cause of an InputError of `make`."""
        try:
            self._call = self._call or self._make(*self._arguments)
        except InputError as error:
            return error.subject, error.cause
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(self._call, items))


def call_each(
    make: Callable[..., Callable[[str], str]],
    arguments: tuple,
    items: list[str],
    cores: int,
    together: int,
    report: Callable[[InputError], None] = report,
    at_once: int = 1,
) -> Iterator[tuple[str, str | None]]:
    """Call `make(*arguments)(item)` on each item in a process a core, in no order.

    A process that ends, as when its machine does or when native code crashes, is replaced, and its items are called
    again, each alone. An item may so be called more than once.

    Args:
        make: a class or function that can be imported.
        arguments: its arguments.
        items: the items, each once.
        cores: number of processes.
        together: at most so many items are given to a process at a time.
        report: called with a remark for each process that is replaced.
        at_once: number of items that a process works on in threads, as while others wait for a network.

    Yields:
        Each item and its outcome; None if every process ended that worked on it.

    Raises:
        InputError: that of `make`, or the processes end at once, whatever they are given.
    """
    ray = import_ray()
    # A process that ends is replaced here, and not by Ray, which would give it the same items for ever.
    process = ray.remote(num_cpus=1, max_restarts=0)(_Caller)
    size = max(at_once, min(together, len(items) // (16 * cores)))
    waiting = collections.deque(items[start : start + size] for start in range(0, len(items), size))
    processes = [process.remote(make, arguments, at_once) for _ in range(min(cores, len(waiting)))]
    running = {}
    ends: collections.Counter[str] = collections.Counter()
    idle, in_vain = list(processes), 0
    try:
        while True:
            while idle and waiting:
                worker, batch = idle.pop(), waiting.popleft()
                running[worker.call.remote(batch)] = worker, batch
            if not running:
                return
            ray.wait(list(running))
            # All that are ready, as each look at a thousand processes takes its time.
            for reference in ray.wait(list(running), num_returns=len(running), timeout=0)[0]:
                worker, batch = running.pop(reference)
                try:
                    outcomes = ray.get(reference)
                except ray.exceptions.RayTaskError:
                    raise
                except ray.exceptions.RayError as error:
                    in_vain += 1
                    if in_vain > _MOST_IN_VAIN * cores:
                        cause = f"its processes end as soon as they work: {first_line(error)}"
                        raise InputError("--engine ray", cause) from error
                    report(InputError("--engine ray", "a process ended; another one repeats what it had begun"))
                    processes.remove(worker)
                    processes.append(process.remote(make, arguments, at_once))
                    idle.append(processes[-1])
                    ends.update(batch)
                    given_up = [item for item in batch if ends[item] >= _MOST_ENDS]
                    waiting.extendleft([item] for item in batch if item not in given_up)
                    yield from ((item, None) for item in given_up)
                    continue
                if isinstance(outcomes, tuple):
                    raise InputError(*outcomes)
                in_vain = 0
                idle.append(worker)
                yield from zip(batch, outcomes, strict=True)
    finally:
        for worker in processes:
            ray.kill(worker)
