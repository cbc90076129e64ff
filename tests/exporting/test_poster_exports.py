"""The other systems of the poster's table as LiteRT and ONNX files: all operations are kept, and so are the maps."""

import keras
import pytest

from salgan_tf import SaliencyPredictor, build_generator, export
from salgan_tf.models import salnet, vgg16


@pytest.mark.parametrize("backbone", ["mlnet", "salnet", "salicon"])
def test_files_have_the_maps_of_the_network(backbone, monkeypatch, tmp_path):
    """`export` writes a file only if its maps are the network's. An eighth of the filters convert in seconds."""
    blocks = tuple((name, depth, filters // 8) for name, depth, filters in vgg16.ENCODER_BLOCKS)
    monkeypatch.setattr(vgg16, "ENCODER_BLOCKS", blocks)
    monkeypatch.setattr(salnet, "_CONVOLUTIONS", tuple((filters // 8, size) for filters, size in salnet._CONVOLUTIONS))
    keras.utils.set_random_seed(1)
    files = export(build_generator(backbone, (64, 128, 3)), tmp_path, ["float32", "onnx"])
    assert [path.name for path in files] == [
        f"salgan_{backbone}_64x128{ending}" for ending in ("_float32.tflite", ".onnx")
    ]
    assert [SaliencyPredictor(path).image_shape for path in files] == [(64, 128)] * 2
