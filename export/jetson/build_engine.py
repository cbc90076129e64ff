"""Build a TensorRT engine from an exported ONNX file, on the device that will run it. TensorRT 10.3 and later, and 11.

python build_engine.py MODEL.onnx [--out MODEL.engine] [--batch N] [--workspace MIB] [--timing-cache FILE]

The network is strongly typed: the file says what is int8 (its Q/DQ pairs) and what is float32. So this program has
neither a switch for the precision nor a calibration, and uses nothing that TensorRT 11 has removed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from salgan_tf import InputError
from salgan_tf.arguments import path, positive
from salgan_tf.console import run_command, say
from salgan_tf.errors import report
from salgan_tf.files import is_file, write_bytes
from salgan_tf.limits import read_bytes
from salgan_tf.runtimes.network import check_shapes

try:
    import tensorrt as trt
except ImportError as error:
    sys.exit(f"{error}: on a Jetson TensorRT comes with JetPack, see export/README.md")


def build(path: Path, batch: int, workspace: int, timing_cache: Path | None, logger: trt.ILogger) -> trt.IHostMemory:
    """Build an engine.

    Args:
        path: the ONNX file.
        batch: largest batch size, for a file that takes any batch size.
        workspace: MiB of memory that TensorRT may use to try the kernels of a layer.
        timing_cache: file of the measurements of earlier builds; None for none. A missing file counts as empty.
        logger: TensorRT's.

    Returns:
        The engine's bytes, in TensorRT's memory.

    Raises:
        InputError: the file is missing, cannot be parsed (the parser's errors are printed here, one per line) or is
            not a generator, or TensorRT built no engine.
    """
    if not path.is_file():
        raise InputError(path, "no such file")
    try:
        builder = trt.Builder(logger)
    except (TypeError, RuntimeError) as error:
        # The binding raises a TypeError without a cause when there is no device.
        raise InputError("TensorRT", "found no GPU to build for") from error
    network = builder.create_network(_strongly_typed())
    _parse_onnx(path, network, logger)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace << 20)
    if (network.num_inputs, network.num_outputs) != (1, 1):
        raise InputError(path, f"not a generator: {network.num_inputs} inputs and {network.num_outputs} outputs")
    image, saliency = network.get_input(0), network.get_output(0)
    check_shapes(path, tuple(image.shape), tuple(saliency.shape))
    if image.shape[0] == -1:
        profile = builder.create_optimization_profile()
        rest = tuple(image.shape)[1:]
        # Tuned for the largest batch; SaliencyPredictor runs one image at a time.
        profile.set_shape(image.name, (1, *rest), (batch, *rest), (batch, *rest))
        config.add_optimization_profile(profile)
    elif batch != 1:
        raise InputError(path, "its batch size is 1: for another one, export it with --dynamic-batch")
    if timing_cache:
        _read_timing_cache(config, timing_cache)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise InputError(path, "TensorRT built no engine; its messages above say why")
    if timing_cache:
        write_bytes(timing_cache, config.get_timing_cache().serialize())
    return engine


def _strongly_typed() -> int:
    """Return the flags of a strongly typed network: needed in 10, ignored in 11, and 0 where they no longer exist."""
    flag = getattr(getattr(trt, "NetworkDefinitionCreationFlag", None), "STRONGLY_TYPED", None)
    if flag is None and int(trt.__version__.split(".")[0]) < 11:
        raise InputError(f"TensorRT {trt.__version__}", "has no strongly typed networks: requires 10.3 or later")
    return 0 if flag is None else 1 << int(flag)


def _parse_onnx(path: Path, network: trt.INetworkDefinition, logger: trt.ILogger) -> None:
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(path)):
        for index in range(parser.num_errors):
            report(InputError(path, str(parser.get_error(index))))
        raise InputError(path, "not an ONNX file that TensorRT can parse")


def _read_timing_cache(config: trt.IBuilderConfig, path: Path) -> None:
    content = read_bytes(path) if is_file(path) and path.stat().st_size else b""
    cache = config.create_timing_cache(content)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        report(InputError(path, "made on another device or by another version of TensorRT; ignored"))
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def run(arguments: argparse.Namespace) -> int:
    """Build the engine and write it."""
    out = arguments.out or arguments.onnx.with_suffix(".engine")
    logger = trt.Logger(trt.Logger.VERBOSE if arguments.verbose else trt.Logger.WARNING)
    started = time.perf_counter()
    engine = build(arguments.onnx, arguments.batch, arguments.workspace, arguments.timing_cache, logger)
    seconds = time.perf_counter() - started
    write_bytes(out, engine)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB, built in {seconds:.0f} s by TensorRT {trt.__version__}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code: 0, 1 for bad input, 2 for bad usage, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description="Build a TensorRT engine from an exported ONNX file.")
    parser.add_argument("onnx", metavar="MODEL.onnx", type=path, help="file of `salgan-tf export --tensorrt` or --onnx")
    parser.add_argument("--out", metavar="FILE", type=path, help="(default: MODEL.engine beside the ONNX file)")
    parser.add_argument(
        "--batch", metavar="N", type=positive, default=1, help="largest batch of a file of any batch size (default: 1)"
    )
    parser.add_argument(
        "--workspace", metavar="MIB", type=positive, default=1024, help="memory to try kernels in (default: 1024)"
    )
    parser.add_argument("--timing-cache", metavar="FILE", type=path, help="measurements; makes the next build fast")
    parser.add_argument("--verbose", action="store_true", help="print all of TensorRT's messages")
    parser.set_defaults(run=run)
    return run_command(lambda: parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
