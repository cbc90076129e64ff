"""export/jetson/build_engine.py on stubs of TensorRT and CUDA (stubs/).

They show that the program makes the calls that it should, in a sound order, and what it does when one fails. Whether
TensorRT parses an exported file, on which device, and how fast the engine is, can only be tested on hardware.
"""

import json
from pathlib import Path

import pytest
from stubbed_device import PROGRAMS, StubbedDevice, pretend_onnx

BUILD = PROGRAMS / "jetson" / "build_engine.py"


@pytest.fixture
def device(tmp_path) -> StubbedDevice:
    return StubbedDevice(tmp_path)


def refuse(device: StubbedDevice, onnx: Path, *arguments: object, **environment: str) -> list[str]:
    """Run a build that must fail and leave no engine and no scratch file; return its lines without the prefix."""
    before = sorted(onnx.parent.iterdir())
    outcome = device.run(BUILD, onnx, *arguments, **environment)
    assert (outcome.code, outcome.output) == (1, "")
    left = [path for path in sorted(onnx.parent.iterdir()) if path not in before and path.name != "calls.jsonl"]
    assert left == []
    assert all(line.startswith("salgan_tf: ") for line in outcome.lines)
    return [line.removeprefix("salgan_tf: ") for line in outcome.lines]


@pytest.mark.parametrize(
    ("version", "environment", "flags"),
    [("10.3.0", {}, 1 << 1), ("11.4.1", {}, 1 << 1), ("12.0.0", {"STUB_NO_FLAG": "1"}, 0)],
)
def test_the_network_is_strongly_typed_and_the_engine_is_written(device, tmp_path, version, environment, flags):
    onnx = pretend_onnx(tmp_path / "edge.onnx")
    outcome = device.run(BUILD, onnx, "--workspace", 512, STUB_TENSORRT=version, **environment)
    assert (outcome.code, outcome.lines) == (0, [])
    assert [call["flags"] for call in device.calls("trt.create_network")] == [flags]
    assert device.calls("trt.set_memory_pool_limit") == [
        {"call": "trt.set_memory_pool_limit", "pool": "WORKSPACE", "size": 512 * 2**20}
    ]
    # A file of batch size 1 needs no profile, and no cache was asked for.
    assert device.calls("trt.add_optimization_profile", "trt.set_timing_cache") == []
    engine = tmp_path / "edge.engine"
    assert json.loads(engine.read_bytes()) == json.loads(onnx.read_bytes())
    assert outcome.output.startswith(f"{engine}: 0.0 MB, built in 0 s by TensorRT {version}")


def test_a_file_of_any_batch_size_gets_a_profile(device, tmp_path):
    onnx = pretend_onnx(tmp_path / "edge.onnx", batch=-1)
    assert device.run(BUILD, onnx, "--batch", 4, "--out", tmp_path / "made" / "four.engine").code == 0
    assert device.calls("trt.set_shape", "trt.add_optimization_profile", "trt.build_serialized_network") == [
        {"call": "trt.set_shape", "name": "image", "shapes": [[1, 6, 8, 3], [4, 6, 8, 3], [4, 6, 8, 3]]},
        {"call": "trt.add_optimization_profile"},
        {"call": "trt.build_serialized_network"},
    ]
    assert (tmp_path / "made" / "four.engine").is_file()


def test_a_failed_build_leaves_no_engine_and_an_old_one_as_it_was(device, tmp_path):
    onnx = pretend_onnx(tmp_path / "edge.onnx", unbuildable=True)
    cause = [f"{onnx}: TensorRT built no engine; its messages above say why"]
    assert refuse(device, onnx, "--timing-cache", tmp_path / "cache") == cause
    (tmp_path / "edge.engine").write_bytes(b"an older one")
    assert refuse(device, onnx) == cause
    assert (tmp_path / "edge.engine").read_bytes() == b"an older one"


@pytest.mark.parametrize(
    ("described", "causes"),
    [
        (
            {"outputs": [["classes", [1, 10]]]},
            ["not a generator: maps (1, 6, 8, 3) to (1, 10), expected (1, H, W, 3) to (1, H, W, 1)"],
        ),
        (
            {"inputs": [["image", [1, -1, -1, 3]]], "outputs": [["saliency", [1, -1, -1, 1]]]},
            ["takes images of any size; export it at one size, such as 192x256"],
        ),
        ({"inputs": []}, ["not a generator: 0 inputs and 1 outputs"]),
        (
            {"errors": ["node 3: no such\noperator", "node 5: bad type"]},
            ["node 3: no such operator", "node 5: bad type", "not an ONNX file that TensorRT can parse"],
        ),
    ],
    ids=["classifier", "any size", "no input", "errors of the parser"],
)
def test_a_file_that_is_not_a_generator_is_refused_before_the_build(device, tmp_path, described, causes):
    onnx = pretend_onnx(tmp_path / "other.onnx", **described)
    assert refuse(device, onnx) == [f"{onnx}: {cause}" for cause in causes]
    assert device.calls("trt.build_serialized_network") == []


def test_a_build_that_cannot_start_names_the_cause(device, tmp_path):
    missing, onnx = tmp_path / "missing.onnx", pretend_onnx(tmp_path / "edge.onnx")
    assert refuse(device, missing) == [f"{missing}: no such file"]
    assert refuse(device, onnx, STUB_NO_GPU="1") == ["TensorRT: found no GPU to build for"]
    cause = "has no strongly typed networks: requires 10.3 or later"
    assert refuse(device, onnx, STUB_TENSORRT="8.5.2", STUB_NO_FLAG="1") == [f"TensorRT 8.5.2: {cause}"]
    cause = "its batch size is 1: for another one, export it with --dynamic-batch"
    assert refuse(device, onnx, "--batch", 4) == [f"{onnx}: {cause}"]


def test_the_timing_cache_is_read_and_written(device, tmp_path):
    onnx, cache = pretend_onnx(tmp_path / "edge.onnx"), tmp_path / "cache"
    contents = []
    for _ in range(2):
        assert device.run(BUILD, onnx, "--timing-cache", cache).lines == []
        contents += [(call["content"], call["ignore_mismatch"]) for call in device.calls("trt.set_timing_cache")]
    assert contents == [("", False), ("measured", False)]
    assert cache.read_bytes() == b"measuredmeasured"


def test_a_timing_cache_of_another_device_is_not_used(device, tmp_path):
    onnx, cache = pretend_onnx(tmp_path / "edge.onnx"), tmp_path / "cache"
    cache.write_bytes(b"of another device")
    outcome = device.run(BUILD, onnx, "--timing-cache", cache)
    assert outcome.code == 0
    assert outcome.lines == [f"salgan_tf: {cache}: made on another device or by another version of TensorRT; ignored"]
    assert cache.read_bytes() == b"measured"
