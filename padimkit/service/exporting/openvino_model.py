"""A model as OpenVINO, made of its ONNX graph, in full precision or quantized.

Apart from the export, which imports it only where the package onnx is installed.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import UInt8

from padimkit.errors import CannotExport
from padimkit.inspection.exported.card import KEY, Card
from padimkit.inspection.exported.runtimes import runtime
from padimkit.service.exporting.preprocessing import PREFIX

T = TypeVar("T")
_CONVOLUTIONS = ("Convolution", "GroupConvolution")


def openvino_model(onnx: Path, card: Card) -> Any:
    """Return the model of OpenVINO that an ONNX file becomes, with the card in its metadata."""
    model = runtime("openvino", "openvino").Core().read_model(str(onnx))
    model.set_rt_info(card.as_text(), [KEY])
    return model


def write_openvino(model: Any, path: Path) -> None:
    """Write a model as an .xml file with a .bin file beside it."""
    runtime("openvino", "openvino").save_model(model, str(path), compress_to_fp16=False)


def quantized(model: Any, images: Sequence[T], pixels: Callable[[T], UInt8[np.ndarray, "H W 3"]]) -> Any:
    """Return the model with its convolutions in 8 bits, with ranges that these images have.

    Images are decoded by `pixels` one at a time, as they are needed: they may be large and many.

    All that follows the last convolution stays as it is: reducer, density and map; so does the resize.

    Raises:
        CannotExport: There are no convolutions.
    """
    nncf = runtime("nncf", "int8")
    nncf.set_log_level(logging.ERROR)
    kept = _kept(model)
    if kept is None:
        raise CannotExport("int8 is for convolutions, and this model has none. Use float32 or bfloat16.")
    return nncf.quantize(
        model,
        nncf.Dataset(images, lambda image: {"images": pixels(image)[None]}),
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(names=kept),
    )


def _kept(model: Any) -> list[str] | None:
    """Return the names of all nodes that stay as they are; None if no others are left.

    These are those that no convolution depends on, and the products of the resize, which are exact.
    """
    nodes = model.get_ordered_ops()
    needed = {node.get_friendly_name() for node in nodes if node.get_type_name() in _CONVOLUTIONS}
    if not needed:
        return None
    for node in reversed(nodes):
        if node.get_friendly_name() in needed:
            needed |= {value.get_node().get_friendly_name() for value in node.input_values()}
    outside = ("Constant", "Parameter", "Result")
    return [
        node.get_friendly_name()
        for node in nodes
        if (node.get_friendly_name() not in needed and node.get_type_name() not in outside)
        or (node.get_type_name() == "MatMul" and node.get_friendly_name().startswith(PREFIX))
    ]
