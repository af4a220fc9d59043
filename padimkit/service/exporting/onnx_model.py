"""A model as ONNX: the preprocessing, and what torch traces of the rest.

Apart from the export, which imports it only where the package onnx is installed.
"""

import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper

from padimkit.errors import CannotExport
from padimkit.inspection.exported.card import KEY, Card
from padimkit.inspection.exported.session import FRAMED
from padimkit.service.exporting.judged import Judged
from padimkit.service.exporting.preprocessing import Preprocessing

OPSET = 18  # the first that resizes with antialiasing
_MOST_BYTES = 1_900_000_000  # of one file: a message of protobuf holds less than 2 GiB


def onnx_model(judged: Judged, card: Card, *, optional: bool = True) -> onnx.ModelProto:
    """Return the whole model, with the card in its metadata.

    Args:
        judged: The graph.
        card: The card.
        optional: With an input "framed", false by default, for images that are preprocessed already.

    Raises:
        CannotExport: torch cannot trace a part; its message is in this one.
    """
    model = _traced(judged)
    before = Preprocessing(card.framing, card.size)
    graph = model.graph
    rest = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.input.append(helper.make_tensor_value_info("images", TensorProto.UINT8, ["b", "H", "W", 3]))
    if optional:
        graph.initializer.append(helper.make_tensor(FRAMED, TensorProto.BOOL, [], [False]))
        graph.input.append(helper.make_tensor_value_info(FRAMED, TensorProto.BOOL, []))
        graph.node.extend([before.choice(FRAMED, "pixels"), *rest])
    else:
        same = helper.make_node("Identity", [before.result], ["pixels"])
        graph.node.extend([*before.nodes, same, *rest])
        graph.initializer.extend(before.constants)
    helper.set_model_props(model, {KEY: card.as_text()})
    return model


def write_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Write a model into a file, with its tensors in a second one if they are too many for one."""
    many = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > _MOST_BYTES
    onnx.save_model(model, str(path), save_as_external_data=many, location=f"{path.name}.data")
    if many:
        path.with_name(f"{path.name}.data").chmod(path.stat().st_mode)  # onnx leaves it to its owner


def _traced(judged: Judged) -> onnx.ModelProto:
    batch = torch.export.Dim("b", min=1)
    try:
        with torch.no_grad(), _quiet():
            program: Any = torch.onnx.export(
                judged,
                (judged.example,),
                input_names=["pixels"],
                output_names=list(judged.outputs),
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes={"pixels": {0: batch}},
                verbose=False,
            )
    except Exception as error:  # of torch, onnxscript, or a plugin: none has a common class
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CannotExport(f"torch cannot write the model as ONNX: {reason[0]}") from error
    model: onnx.ModelProto = program.model_proto
    return model


class _quiet(warnings.catch_warnings):
    """No warnings of torch about itself, nor lines of its log."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")
        self._disabled = logging.root.manager.disable
        logging.disable(max(self._disabled, logging.WARNING))

    def __exit__(self, *problem: Any) -> None:
        logging.disable(self._disabled)
        super().__exit__(*problem)
