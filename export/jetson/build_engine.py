"""Build a TensorRT engine of an exported ONNX file, on the device that will run it. TensorRT 10.3 and later, and 11.

python build_engine.py MODEL.onnx [--out MODEL.engine] [--batch N] [--workspace MIB] [--timing-cache FILE]

The network is strongly typed: the file says what is int8 (its Q/DQ pairs) and what is float32. So there is no switch
for a precision and no calibration here, and nothing that TensorRT 11 has removed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

# The shared file lies one folder up, for all devices.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from saliency_pictures import InputError, positive, report, run_program, write_bytes

try:
    import tensorrt as trt
except ImportError as error:
    sys.exit(f"{error}: on a Jetson TensorRT comes with JetPack, see README.md")


def build(path: Path, batch: int, workspace: int, timing_cache: Path | None, logger: trt.ILogger) -> trt.IHostMemory:
    """Build an engine.

    Args:
        path: the ONNX file.
        batch: the largest batch, of a file that takes any; others have their own.
        workspace: MiB that a layer may use while it is tried.
        timing_cache: file of measurements of earlier builds, or None; missing is empty.
        logger: TensorRT's.

    Returns:
        The engine's bytes, as TensorRT holds them.

    Raises:
        InputError: no such file, errors of the parser (printed here, each in a line), no generator, no engine.
    """
    if not path.is_file():
        raise InputError(path, "no such file")
    try:
        builder = trt.Builder(logger)
    except (TypeError, RuntimeError) as error:
        # The binding's way to say that it got nothing: a TypeError that names no cause.
        raise InputError("TensorRT", "found no GPU that it can build for") from error
    network = builder.create_network(_strongly_typed())
    _parse_onnx(path, network, logger)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace << 20)
    image = _check_generator(path, network)
    if image.shape[0] == -1:
        profile = builder.create_optimization_profile()
        rest = tuple(image.shape)[1:]
        # Tuned for the largest batch; run_engine.py asks for one picture at a time.
        profile.set_shape(image.name, (1, *rest), (batch, *rest), (batch, *rest))
        config.add_optimization_profile(profile)
    elif batch not in (1, image.shape[0]):
        raise InputError(path, f"its batch is {image.shape[0]}: for another, export it with --dynamic-batch")
    if timing_cache:
        _read_timing_cache(config, timing_cache)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise InputError(path, "TensorRT built no engine; why stands in its messages above")
    if timing_cache:
        write_bytes(timing_cache, config.get_timing_cache().serialize())
    return engine


def _strongly_typed() -> int:
    """Give the flags of a strongly typed network: needed in 10, ignored in 11, and no error where they are gone."""
    flag = getattr(getattr(trt, "NetworkDefinitionCreationFlag", None), "STRONGLY_TYPED", None)
    if flag is None and int(trt.__version__.split(".")[0]) < 11:
        raise InputError(f"TensorRT {trt.__version__}", "has no strongly typed networks: 10.3 or later is needed")
    return 0 if flag is None else 1 << int(flag)


def _parse_onnx(path: Path, network: trt.INetworkDefinition, logger: trt.ILogger) -> None:
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(path)):
        for index in range(parser.num_errors):
            report(f"{path}: {' '.join(str(parser.get_error(index)).split())}")
        raise InputError(path, "not an ONNX file that TensorRT can take")


def _check_generator(path: Path, network: trt.INetworkDefinition) -> trt.ITensor:
    """Give the network's input, if it is a generator's."""
    if (network.num_inputs, network.num_outputs) != (1, 1):
        raise InputError(path, f"no generator: {network.num_inputs} inputs and {network.num_outputs} outputs")
    image, saliency = network.get_input(0), network.get_output(0)
    entry, exit_ = tuple(image.shape), tuple(saliency.shape)
    if len(entry) != 4 or -1 in entry[1:] or entry[3] != 3 or exit_[1:] != (*entry[1:3], 1):
        raise InputError(path, f"no generator: it maps {entry} to {exit_}")
    return image


def _read_timing_cache(config: trt.IBuilderConfig, path: Path) -> None:
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise InputError(path, error) from error
    cache = config.create_timing_cache(content)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        report(f"{path}: of another device or version of TensorRT, and not used")
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build a TensorRT engine of an exported ONNX file.")
    parser.add_argument("onnx", metavar="MODEL.onnx", type=Path)
    parser.add_argument("--out", metavar="FILE", type=Path, help="MODEL.engine beside the ONNX file, if not said")
    parser.add_argument("--batch", metavar="N", type=positive, default=1, help="largest batch of a file that takes any")
    parser.add_argument(
        "--workspace", metavar="MIB", type=positive, default=1024, help="memory to try layers in (1024)"
    )
    parser.add_argument(
        "--timing-cache", metavar="FILE", type=Path, help="what was measured; makes the next build fast"
    )
    parser.add_argument("--verbose", action="store_true", help="all that TensorRT has to say")
    return parser.parse_args(argv)


def _run(arguments: argparse.Namespace) -> int:
    out = arguments.out or arguments.onnx.with_suffix(".engine")
    logger = trt.Logger(trt.Logger.VERBOSE if arguments.verbose else trt.Logger.WARNING)
    started = time.perf_counter()
    engine = build(arguments.onnx, arguments.batch, arguments.workspace, arguments.timing_cache, logger)
    seconds = time.perf_counter() - started
    write_bytes(out, engine)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, built in {seconds:.0f} s by TensorRT {trt.__version__}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the program; give its exit code: 0, 1 for a bad input, 2 for bad usage, 130 after Ctrl-C."""
    arguments = _parse(argv)
    return run_program(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
