"""Records of a large data set, written by Ray on the cores of a cluster: the files of `records.write_records`."""

import json
from pathlib import Path

from tqdm import tqdm

from salgan_tf import engine
from salgan_tf.data import records
from salgan_tf.data.layouts import Example
from salgan_tf.errors import InputError
from salgan_tf.files import find_real


class ShardWriter:
    """Writes one shard after the other on one core, for any engine.

    Args:
        image_shape: (height, width) of the training.
    """

    def __init__(self, image_shape: tuple[int, int]):
        self._image_shape = image_shape

    def __call__(self, task: str) -> str:
        """Write a shard that is not there yet.

        Args:
            task: a `records.Shard` as text, see `describe`.

        Returns:
            JSON: the number of examples in it, and subject and cause of the errors of the others; or subject and cause
            of why it cannot be written.
        """
        content = json.loads(task)
        examples = [
            Example(name, Path(image), map and Path(map), fixations and Path(fixations))
            for name, image, map, fixations in content["examples"]
        ]
        try:
            written = records.write_shard(records.Shard(Path(content["path"]), examples), self._image_shape, threads=1)
        except InputError as error:
            return json.dumps({"refused": [error.subject, error.cause]})
        return json.dumps(
            {"examples": written.examples, "errors": [[error.subject, error.cause] for error in written.errors]}
        )


def describe(shard: records.Shard) -> str:
    """Return a shard as text, which a process on another machine can read."""
    examples = [
        (example.name, *(path and str(path) for path in (example.image, example.map, example.fixations)))
        for example in shard.examples
    ]
    return json.dumps({"path": str(shard.path), "examples": examples})


def write_records(root: str | Path, out: str | Path, image_shape: tuple[int, int] = (192, 256)) -> None:
    """Write every split of a data set as `records.write_records` does, on Ray, to the byte. It needs the extra `ray`.

    Args:
        root: the data set. All machines of a cluster see it, and `out`, at the same place.
        out: folder of the records.
        image_shape: (height, width) of the training.

    Raises:
        InputError: see `records.write_records`; or the processes that wrote a shard ended again and again.
        InputErrors: some examples were left out; all others are written.
    """
    # Processes run in folders of their own.
    plan = records.plan_shards(find_real(root), find_real(out), image_shape)
    shards = {describe(shard): shard for shards in plan.shards.values() for shard in shards}
    written: dict[Path, records.Written] = {}
    with engine.cluster() as cores, tqdm(total=plan.total(), desc="prepare", unit="picture", disable=None) as bar:
        for task, outcome in engine.call_each(ShardWriter, (image_shape,), list(shards), cores, 1):
            shard = shards[task]
            if outcome is None:
                raise InputError(shard.path, "every process that wrote it ended: it may need much memory")
            result = json.loads(outcome)
            if "refused" in result:
                raise InputError(*result["refused"])
            written[shard.path] = records.Written(result["examples"], [InputError(*pair) for pair in result["errors"]])
            bar.update(len(shard.examples))
    records.write_manifest(plan, written)
