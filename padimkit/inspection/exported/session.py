"""Sessions that run the graph of an exported model by a runtime, whichever the file is for."""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float32, UInt8

from padimkit.errors import BadArgument, BadModel
from padimkit.inspection.exported.card import KEY, Card
from padimkit.inspection.exported.runtimes import runtime

ONNX, OPENVINO = ".onnx", ".xml"
FRAMED = "framed"  # the input that tells an ONNX graph not to resize; the name of what OpenVINO resizes
_SEVERE = 3  # of the levels of ONNX Runtime: only errors are printed
_log = logging.getLogger(__name__)
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}


@dataclass(frozen=True)
class Options:
    """The way in which a session computes.

    Args:
        threads: Threads of one call; None leaves it to the runtime.
        device: "cpu", or "cuda" for ONNX Runtime where it has that provider.
        precision: Type of number; None for the one that the model was exported for.
    """

    threads: int | None = None
    device: str = "cpu"
    precision: str | None = None


class Session(ABC):
    """A loaded graph, which several threads may run; `precision` is what it computes in."""

    card: Card
    precision: str = "float32"

    @abstractmethod
    def run(
        self, images: UInt8[np.ndarray, "b H W 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        """Return the scores and the maps of images of any one size, RGB in bytes, which the graph resizes."""

    @abstractmethod
    def run_framed(
        self, pixels: UInt8[np.ndarray, "b h w 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        """Return the scores and the maps of images that are resized, padded and cropped already."""


def is_exported(model: object) -> bool:
    """Return whether this is the path of an exported model that a session can run."""
    return isinstance(model, str | Path) and Path(model).suffix.lower() in (ONNX, OPENVINO)


def open_session(path: Path, options: Options = Options()) -> Session:
    """Return a session of the model in a file.

    Raises:
        BadModel: The file is missing, or not a model that padimkit has exported.
        BadArgument: The runtime is not installed, or cannot compute in this way.
    """
    if not path.is_file():
        raise BadModel(f'"{path}" does not exist.')
    return (OnnxSession if path.suffix.lower() == ONNX else OpenVinoSession)(path, options)


@final
class OnnxSession(Session):
    """A session of ONNX Runtime."""

    def __init__(self, path: Path, options: Options) -> None:
        ort = runtime("onnxruntime", "onnx")
        if options.precision not in (None, "float32"):
            raise BadArgument(
                f'ONNX Runtime computes in float32, not in "{options.precision}". Export the model with '
                f"--format openvino --precision {options.precision}."
            )
        settings = ort.SessionOptions()
        settings.log_severity_level = _SEVERE
        if options.threads is not None:
            settings.intra_op_num_threads = options.threads
        provider = _provider(ort, options.device)
        try:
            self._session = ort.InferenceSession(str(path), settings, providers=[provider])
        except Exception as error:  # its errors have no common class
            raise BadModel(f'"{path}" is not a model that ONNX Runtime can run: {error}') from error
        if self._session.get_providers()[0] != provider[0]:  # it takes the CPU
            raise BadArgument(f'ONNX Runtime cannot load what the device "{options.device}" needs.')
        text = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        self.card = Card.from_text(_required(text, path), str(path))

    def run(
        self, images: UInt8[np.ndarray, "b H W 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        scores, maps = self._session.run(["score", "map"], {"images": np.ascontiguousarray(images)})
        return scores, maps

    def run_framed(
        self, pixels: UInt8[np.ndarray, "b h w 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        given = {"images": np.ascontiguousarray(pixels), FRAMED: np.array(True)}
        scores, maps = self._session.run(["score", "map"], given)
        return scores, maps


@final
class OpenVinoSession(Session):
    """A session of OpenVINO."""

    def __init__(self, path: Path, options: Options) -> None:
        openvino = runtime("openvino", "openvino")
        if options.device != "cpu":
            raise BadArgument(f'OpenVINO models run on the device "cpu" here, not on "{options.device}".')
        core = openvino.Core()
        try:
            model = core.read_model(str(path))
        except RuntimeError as error:
            raise BadModel(f'"{path}" is not a model that OpenVINO can run: {error}') from error
        text = model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None
        self.card = Card.from_text(_required(text, path), str(path))
        self.precision = precision = options.precision or self.card.precision
        if precision not in _PRECISIONS:
            raise BadArgument(f'OpenVINO models compute in {", ".join(_PRECISIONS)}, not in "{precision}".')
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        if options.threads is not None:
            settings["INFERENCE_NUM_THREADS"] = options.threads
        self._compile = partial(core.compile_model, device_name="CPU", config=settings)
        self._whole = model
        self._framed = self._compile(_without_preprocessing(openvino, model.clone(), self.card))
        used = self._framed.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if used != _PRECISIONS[precision]:
            _log.warning(
                '"%s": this processor has no %s, and OpenVINO computes in %s.', path, precision, used
            )

    def run(
        self, images: UInt8[np.ndarray, "b H W 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        return _inferred(self._resizing, images)

    def run_framed(
        self, pixels: UInt8[np.ndarray, "b h w 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        return _inferred(self._framed, pixels)

    @cached_property
    def _resizing(self) -> Any:
        """The whole graph, compiled when it is first asked for: an inspector resizes by Pillow."""
        return self._compile(self._whole)


def _inferred(model: Any, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    request = model.create_infer_request()  # its own for each call: several threads may not share one
    found = request.infer({"images": np.ascontiguousarray(images)})
    return np.array(found["score"]), np.array(found["map"])


def _without_preprocessing(openvino: Any, model: Any, card: Card) -> Any:
    """Return the part of a model that follows the preprocessing, which the card describes."""
    last = next(node for node in model.get_ordered_ops() if node.get_friendly_name() == FRAMED)
    pixels = openvino.opset11.parameter([-1, *card.size, 3], np.uint8, name="images")
    pixels.output(0).get_tensor().set_names({"images"})
    for target in last.output(0).get_target_inputs():
        target.replace_source_output(pixels.output(0))
    return openvino.Model(model.get_results(), [pixels], "framed")


def _provider(ort: Any, device: str) -> tuple[str, dict[str, str]]:
    """Return the provider of a device, such as "cuda:1", with its options."""
    known = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    kind, _, number = device.partition(":")
    provider = known.get(kind, "")
    if provider not in ort.get_available_providers():
        usable = [name for name, one in known.items() if one in ort.get_available_providers()]
        raise BadArgument(
            f'ONNX Runtime cannot use the device "{device}" here. It can use: {", ".join(usable)}.'
        )
    return provider, {"device_id": number} if number else {}


def _required(text: str | None, path: Path) -> str:
    if text is None:
        raise BadModel(f'"{path}" was not exported by padimkit: it has no metadata "{KEY}".')
    return text
