"""A training on the machines of a Ray cluster, with the settings of `salgan-tf train`.

python deploy/ray_train.py --workers 2 data=/shared/data out=/shared/run batch_size=64
"""

import argparse

import ray.train
from ray.train.tensorflow import TensorflowTrainer


def train(settings: dict[str, str]) -> None:
    """Train as one of the workers, in a process of its own."""
    import salgan_tf

    salgan_tf.train(**settings, strategy="multi-worker")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", required=True, type=int, metavar="N", help="number of processes that train")
    parser.add_argument("--gpus", action="store_true", help="give each of them a GPU")
    parser.add_argument(
        "settings",
        nargs="+",
        metavar="NAME=VALUE",
        help="arguments of salgan_tf.train: data, out and settings; paths are absolute, and the same on all machines",
    )
    arguments = parser.parse_args()
    TensorflowTrainer(
        train,
        train_loop_config=dict(pair.split("=", 1) for pair in arguments.settings),
        scaling_config=ray.train.ScalingConfig(num_workers=arguments.workers, use_gpu=arguments.gpus),
        run_config=ray.train.RunConfig(failure_config=ray.train.FailureConfig(max_failures=3)),
    ).fit()
