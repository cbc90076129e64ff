"""The other systems of the poster's table as LiteRT and ONNX files: all operations are kept, and so are the maps."""

import pytest
from conftest import few_filters
from networks import randomize

from salgan_tf import SaliencyPredictor, build_generator, export


@pytest.mark.parametrize("backbone", ["mlnet", "salnet", "salicon"])
def test_files_have_the_maps_of_the_network(backbone, tmp_path):
    """`export` writes a file only if its maps are the network's."""
    with few_filters():
        network = randomize(build_generator(backbone, (64, 128, 3)))
    files = export(network, tmp_path, ["float32", "onnx"])
    assert [path.name for path in files] == [
        f"salgan_{backbone}_64x128{ending}" for ending in ("_float32.tflite", ".onnx")
    ]
    assert [SaliencyPredictor(path).image_shape for path in files] == [(64, 128)] * 2
