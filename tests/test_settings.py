"""The settings of a training: legal values in every form, and illegal ones, each refused by name."""

import pytest

from salgan_tf import InputError
from salgan_tf.models.backbones import BACKBONES
from salgan_tf.settings import make_config
from salgan_tf.weights import BUNDLED


def test_a_value_may_be_given_as_on_the_command_line_or_as_saved():
    values = {"image_shape": (32, 64), "augmentations": ("flip", "color"), "ema": 0.5, "keep_epochs": True}
    config = make_config(data="data", **values)
    texts = {"image_shape": "32x64", "augmentations": "flip,color", "ema": "0.5", "keep_epochs": "on"}
    assert make_config(data="data", **texts) == config
    assert make_config(data="data", **values | {"image_shape": [32, 64], "augmentations": ["flip", "color"]}) == config


@pytest.mark.parametrize("name", BUNDLED)
def test_a_training_from_a_bundled_model_has_its_backbone(name):
    backbone = BUNDLED[name].backbone
    assert make_config(data="data", init=name) == make_config(data="data", init=name, backbone=backbone)
    assert make_config(data="data", init=name, backbone="mlnet").backbone == "mlnet"


@pytest.mark.parametrize("backbone", BACKBONES)
def test_defaults_are_the_backbones(backbone):
    config = make_config(data="data", backbone=backbone, batch_size=None, init="none")
    for name, value in BACKBONES[backbone].defaults.items():
        assert getattr(config, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("backbone", "resnet"), ("image_shape", (0, 32)), ("image_shape", (32.0, 32.0)), ("batch_size", 0)),
        *(("batch_size", 2.5), ("bce_epochs", -1), ("content_loss", "huber"), ("learning_rate", float("nan"))),
        *(("ema", 1.0), ("updates", "never"), ("augmentations", ("flip", "spin")), ("keep_epochs", "maybe")),
        *(("content_loss", text) for text in ("kl=0", "kl=-1", "kl=1,kl=2", "kl=nan", "kl=inf", "kl=1,cc=-0.5", "kl=")),
        *(("frozen", 1000), ("frozen", 52)),
        *(("data", ""), ("pseudo", ""), ("init", "")),
        *(("seed", 2**31), ("image_shape", "large"), ("learning_rate", "fast"), ("alpha", -1)),
    ],
)
def test_illegal_value_is_refused_by_the_name_of_its_setting(name, value):
    with pytest.raises(InputError) as caught:
        make_config(**{"data": "data", name: value})
    assert caught.value.subject == name


def test_a_start_that_no_library_has_is_refused_at_once():
    with pytest.raises(
        InputError, match=r"^init: keras\.applications has no weights of efficientnet_lite0: give a file"
    ):
        make_config(data="data", backbone="efficientnet_lite0")


def test_training_needs_an_epoch():
    with pytest.raises(InputError, match="no epochs"):
        make_config(data="data", bce_epochs=0, gan_epochs=0)
