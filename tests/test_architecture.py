"""The house as ARCHITECTURE.md draws it: no import circles, no layer crossed, and a base install that is enough."""

import ast
import configparser
import graphlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "salgan_tf"
# What `pip install .` brings, by the names of their modules.
BASE = {"ai_edge_litert", "cv2", "numpy", "PIL", "tqdm"}
# Modules that the base install must be able to import.
LIGHT = ("__init__", "__main__", "arguments", "console", "errors", "extras", "files", "images", "inference", "limits")
LIGHT += ("native", "parallel", "photographs", "attention", "attention_table", "crops", "recoding", "regions")
LIGHT += ("camera", "film", "frames", "engine", "fleet", "stores")
# The rooms that a room must not know of.
CROSSINGS = {
    "models": ("data", "training", "run_folder", "inference", "evaluation", "exporting", "commands"),
    "metrics": ("data", "models", "losses", "evaluation", "inference", "keras", "tensorflow"),
    "data": ("models", "training", "evaluation", "inference", "exporting", "commands"),
    "runtimes": ("inference", "data", "evaluation", "exporting", "commands"),
    "evaluation": ("models", "training", "exporting", "commands", "keras", "tensorflow"),
    "exporting": ("training", "commands"),
    "weights": ("models", "runtimes", "inference"),
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(tree: ast.AST, lazy: bool = True) -> set[str]:
    """List what a module imports, except for types; with `lazy`, also inside of functions."""
    names = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            children = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {child if child in MODULES else node.module for child in children}
        elif not is_type_checking(node) and (lazy or not isinstance(node, ast.FunctionDef | ast.ClassDef)):
            names |= imports(node, lazy)
    return names


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: imports(tree) & MODULES.keys() for module, tree in MODULES.items()}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.parametrize("room", CROSSINGS)
def test_no_layer_is_crossed(room):
    # Whoever opens a Keras file or draws a figure imports it lazily.
    forbidden = {name if name in ("keras", "tensorflow") else f"salgan_tf.{name}" for name in CROSSINGS[room]}
    crossed = {
        (module, name)
        for module, tree in MODULES.items()
        if module.startswith(f"salgan_tf.{room}")
        for name in imports(tree)
        if any(name == other or name.startswith(f"{other}.") for other in forbidden)
    }
    assert crossed == set()


def test_the_base_install_is_enough_to_predict():
    """At their tops, the modules of `predict` import nothing but Python, each other and the base requirements."""
    rooms = tuple(f"salgan_tf.{name}" for name in ("runtimes", "commands", "weights", "visualization"))
    light = {module for module in MODULES if module.removeprefix("salgan_tf.") in LIGHT or module.startswith(rooms)}
    light |= {"salgan_tf"}
    allowed = {"onnx": set(), "tensorrt": {"tensorrt", "cuda"}}
    for module in light:
        found = {name.split(".")[0] for name in imports(MODULES[module], lazy=False)}
        extra = allowed.get(module.rpartition(".")[2], set())
        assert found - BASE - extra - {"salgan_tf"} - sys.stdlib_module_names == set(), module


def test_the_base_requirements_are_those():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    required = {re.split(r"[ <>=]", line)[0] for line in config["options"]["install_requires"].split("\n") if line}
    assert required == {"ai-edge-litert", "numpy", "opencv-python-headless", "pillow", "tqdm"}
