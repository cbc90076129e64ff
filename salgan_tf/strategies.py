"""Where a training computes: on one device, on all GPUs of a machine, or on several machines."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from salgan_tf.cluster import Cluster, find_cluster, find_lost, meet
from salgan_tf.errors import InputError, first_line

# Bytes of one message between workers, which all of them hold in memory.
_CHUNK = 1 << 24


class MultiWorkerStrategy(tf.distribute.MultiWorkerMirroredStrategy):
    """`tf.distribute.MultiWorkerMirroredStrategy` under which `keras.Model.fit` works.

    Args:
        cluster: the workers, which have met.
    """

    def __init__(self, cluster: Cluster):
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(cluster.jobs),
            task_type=cluster.job,
            task_id=cluster.task,
            num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
            rpc_layer="grpc",
        )
        super().__init__(resolver)
        self.cluster = cluster

    def reduce(self, reduce_op, value, axis=None):
        """Reduce a structure of values, also of scalars, which Keras asks to be reduced along axis 0 (keras#20585)."""

        def reduce_one(each):
            scalar = self.experimental_local_results(each)[0].shape.rank == 0
            return super(MultiWorkerStrategy, self).reduce(reduce_op, each, None if scalar else axis)

        return tf.nest.map_structure(reduce_one, value)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Make the strategy of the setting `strategy`: `"none"`, `"mirrored"` or `"multi-worker"`.

    `"multi-worker"` waits for the other workers, and is the same object in every call: TensorFlow joins a cluster once
    in a process, before it computes anything.

    Raises:
        InputError: the workers are not named, or do not meet; or TensorFlow has computed something in this process.
    """
    if name == "multi-worker":
        return _join()
    return tf.distribute.MirroredStrategy() if name == "mirrored" else tf.distribute.get_strategy()


@functools.cache
def _join() -> MultiWorkerStrategy:
    cluster = find_cluster()
    meet(cluster)
    try:
        return MultiWorkerStrategy(cluster)
    except RuntimeError as error:
        cause = "TensorFlow has been used in this process already: train in a new one"
        raise InputError("--strategy multi-worker", cause) from error
    except tf.errors.OpError as error:
        raise InputError("--strategy multi-worker", f"the workers do not meet: {first_line(error)}") from error


def worker_of(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Return which worker this process is, and how many there are: (0, 1) on a single machine."""
    if isinstance(strategy, MultiWorkerStrategy):
        return strategy.cluster.index, len(strategy.cluster.addresses)
    return 0, 1


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Return whether this process is the worker that writes the run folder."""
    return worker_of(strategy)[0] == 0


def share(strategy: tf.distribute.Strategy, content: bytes) -> bytes:
    """Return the chief's content on every worker. All workers must call it; what the others give is ignored."""
    if worker_of(strategy)[1] == 1:
        return content
    (size,) = _sum_of_chief(strategy, np.array([len(content)], np.int32))
    # Whole numbers that are added to zeros: nothing is rounded.
    padded = np.zeros(-(-size // 4), np.int32)
    if is_chief(strategy):
        padded.view(np.uint8)[:size] = np.frombuffer(content, np.uint8)
    chunks = [padded[start : start + _CHUNK // 4] for start in range(0, len(padded), _CHUNK // 4)]
    received = [_sum_of_chief(strategy, chunk).tobytes() for chunk in chunks]
    return b"".join(received)[:size]


def _sum_of_chief(strategy: tf.distribute.Strategy, values: np.ndarray) -> np.ndarray:
    def contribute(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
        return tf.constant(values if context.replica_id_in_sync_group == 0 else np.zeros_like(values))

    contributions = strategy.experimental_distribute_values_from_function(contribute)
    total: Any = strategy.reduce(tf.distribute.ReduceOp.SUM, contributions, axis=None)
    return total.numpy()


def deal(
    batches: tf.data.Dataset, evenly: bool = True, divided: bool = False
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Prepare batches for `fit` in the scope of a strategy of several workers: each takes its part of every batch.

    Without `evenly`, each takes all batches: for a validation whose last batch has nothing for some workers, in which
    TensorFlow fails. Means are the same. With `divided`, batches have examples of this worker alone, as a stream's do:
    a step takes as many of one as a worker's part has, and the next step those after them.
    """
    strategy = tf.distribute.get_strategy()
    if worker_of(strategy)[1] > 1 and not evenly:
        return strategy.distribute_datasets_from_function(lambda context: batches)
    options, policies = tf.data.Options(), tf.data.experimental.AutoShardPolicy
    # By itself, it would try to split files.
    options.experimental_distribute.auto_shard_policy = policies.OFF if divided else policies.DATA
    return batches.with_options(options)


@contextlib.contextmanager
def watching(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Name the workers that have ended when TensorFlow fails in a block because of them.

    Raises:
        InputError: a worker has ended.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not isinstance(strategy, MultiWorkerStrategy):
            raise
        lost = find_lost(strategy.cluster)
        if not lost and "ollective" not in str(error):
            raise
        cause = f"lost {', '.join(lost)}" if lost else f"a worker failed: {first_line(error)}"
        raise InputError(
            "--strategy multi-worker", f"{cause}; repeat the command on every machine to continue"
        ) from error
