"""The contents of a LiteRT file, compared with a count by hand."""

import keras
import pytest
from networks import SHAPE, ignore_statistics, random_pictures, randomize

from salgan_tf.exporting import litert
from salgan_tf.exporting.litert_file import read_contents

pytestmark = ignore_statistics


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "file.tflite"
    image = keras.Input((*SHAPE, 3), name="image")
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = keras.layers.DepthwiseConv2D(5, padding="same")(x)
    x = keras.layers.Conv2D(1, 1, activation="sigmoid")(x)
    generator = randomize(keras.Model(image, keras.layers.Resizing(*SHAPE)(x)))
    found = {}
    for precision in ("float32", "int8"):
        litert.convert(generator, precision, path, random_pictures(4))
        found[precision] = read_contents(path)
    return found


# By hand: pixels of the output, times filters, times weights of a filter.
MACS = 16 * 24 * 8 * (3 * 3 * 3) + 16 * 24 * 8 * (5 * 5) + 16 * 24 * 1 * 8


def test_multiply_adds_are_those_counted_by_hand(contents):
    assert contents["float32"].macs == contents["int8"].macs == MACS == 162_816


def test_operations_are_counted(contents):
    plain = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 1, "LOGISTIC": 1, "RESIZE_BILINEAR": 1}
    assert contents["float32"].operations == plain
    assert contents["int8"].operations == plain | {"QUANTIZE": 2}
    # The most frequent first.
    assert next(iter(contents["float32"].operations)) == "CONV_2D"


def test_tensors_are_counted_by_type_and_purpose(contents):
    # Three kernels and three biases; the target size of the resizing is int32. Six tensors between and at the ends.
    assert contents["float32"].weights == {"float32": 6, "int32": 1}
    assert contents["float32"].activations == {"float32": 6}
    assert contents["int8"].weights == {"int8": 3, "int32": 4}
    assert contents["int8"].activations == {"uint8": 2, "int8": 6}
