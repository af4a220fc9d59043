"""The formats of padimkit's own: ONNX, OpenVINO and TorchScript.

Apart from the modules that write them, which import packages that only the format needs.
"""

import tempfile
from pathlib import Path
from typing import final

from padimkit.inspection.exported.card import Card
from padimkit.inspection.exported.runtimes import runtime
from padimkit.inspection.exported.session import ONNX, OPENVINO, Session, open_session
from padimkit.service.exporting.exporter import Exporter, ExportSource


@final
class Onnx(Exporter):
    """ONNX, for ONNX Runtime and many others; the graph resizes, unless it is told that images are framed."""

    suffix = ONNX

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the graph, with its tensors in a second file if they are too many for one."""
        for name in ("onnx", "onnxscript", "onnxruntime"):
            runtime(name, "export")
        from padimkit.service.exporting.onnx_model import onnx_model, write_onnx  # which imports onnx

        write_onnx(onnx_model(source.graph, source.card), path)

    def open(self, path: Path, card: Card) -> Session:
        """Return a session of ONNX Runtime."""
        return open_session(path)


@final
class OpenVino(Exporter):
    """OpenVINO, for processors of Intel, in full precision, in bfloat16 or with convolutions in 8 bits."""

    suffix = OPENVINO
    precisions = ("float32", "bfloat16", "int8")

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the graph as .xml, with its tensors in a .bin file beside it."""
        for name in ("onnx", "onnxscript"):
            runtime(name, "export")
        from padimkit.service.exporting.onnx_model import onnx_model, write_onnx  # which imports onnx
        from padimkit.service.exporting.openvino_model import openvino_model, quantized, write_openvino

        # Windows: OpenVINO maps tensors
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            onnx = Path(folder) / "model.onnx"
            write_onnx(onnx_model(source.graph, source.card, optional=False), onnx)
            model = openvino_model(onnx, source.card)
            if source.card.precision == "int8":
                model = quantized(model, source.images(), lambda decode: decode())
            write_openvino(model, path)

    def open(self, path: Path, card: Card) -> Session:
        """Return a session of OpenVINO."""
        return open_session(path)


@final
class TorchScript(Exporter):
    """TorchScript, for programs in C++ with libtorch."""

    suffix = ".pt"

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the graph with the preprocessing as a script."""
        from padimkit.service.exporting.torch_script import write_torch_script

        write_torch_script(source.graph, source.card, path)

    def open(self, path: Path, card: Card) -> Session:
        """Return a session of torch."""
        from padimkit.service.exporting.torch_script import TorchScriptSession

        return TorchScriptSession(path, card)
