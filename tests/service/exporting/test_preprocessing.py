"""The preprocessing of graphs beside that of padimkit, by Pillow."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

from padimkit import LongSide, Preprocessing, Scale, ShortSide
from padimkit.inspection.exported.runtimes import runtime
from padimkit.service.exporting import torch_script
from padimkit.service.exporting.onnx_model import OPSET
from padimkit.service.exporting.preprocessing import Preprocessing as Nodes

CASES = [  # every fifth one by OpenVINO too
    (
        Preprocessing(224, None),
        (256, 256),
    ),  # one value in 270 is off by weights in single precision
    (Preprocessing(64, 56), (200, 100)),
    (Preprocessing(64, 56), (100, 200)),
    (Preprocessing(ShortSide(40), 32), (90, 121)),
    (Preprocessing(64, None), (30, 40)),
    (Preprocessing((33, 20), None), (1, 7)),
    (Preprocessing((40, 70), None), (90, 60)),
    (Preprocessing((1, 30), None), (9, 1)),
    (Preprocessing(None, 20), (33, 47)),
    (Preprocessing(LongSide(40), 30, pad=50, roi=(5, 10, 100, 80)), (90, 121)),
    (Preprocessing(LongSide(40), None, pad=50), (90, 121)),
    (Preprocessing(Scale(0.37), 24), (95, 81)),
    (Preprocessing((40, 70), None, interpolation="bilinear"), (190, 31)),
    (Preprocessing(64, 48, interpolation="bilinear"), (1, 80)),
    (Preprocessing((40, 70), None, interpolation="bilinear_unfiltered"), (190, 31)),
    (Preprocessing(64, 48, interpolation="bilinear_unfiltered"), (256, 80)),
    (Preprocessing(24, None, interpolation="bilinear_unfiltered"), (1, 1)),
]


@pytest.fixture(params=CASES, ids=repr)
def case(request, random):
    preprocessing, (height, width) = request.param
    coarse = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height)), dtype=int)
    noisy = np.clip(smooth + random.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)
    return preprocessing, noisy, preprocessing.pixels(Image.fromarray(noisy))


def _graph(preprocessing, size):
    nodes = Nodes(preprocessing.framing, size)
    images, pixels = (
        helper.make_tensor_value_info(name, TensorProto.UINT8, [None] * 4) for name in ("images", "pixels")
    )
    same = helper.make_node("Identity", [nodes.result], ["pixels"])
    graph = helper.make_graph([*nodes.nodes, same], "graph", [images], [pixels], nodes.constants)
    return _model(graph)


def _model(graph):
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()


def test_onnx_runtime_resizes_pads_and_crops_exactly_as_padimkit(case):
    preprocessing, image, expected = case
    session = onnxruntime.InferenceSession(_graph(preprocessing, expected.shape[:2]))
    (found,) = session.run(None, {"images": image[None]})
    np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize("case", CASES[::5], indirect=True, ids=repr)  # it takes a second to compile each
def test_openvino_resizes_pads_and_crops_exactly_as_padimkit(case):
    preprocessing, image, expected = case
    core, settings = runtime("openvino", "openvino").Core(), {"INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(core.read_model(_graph(preprocessing, expected.shape[:2])), "CPU", settings)
    np.testing.assert_array_equal(model({"images": image[None]})[0][0], expected)


def test_images_that_are_preprocessed_already_stay_as_they_are(random):
    pixels = random.integers(0, 256, (2, 9, 11, 3), dtype=np.uint8)
    nodes = Nodes(Preprocessing(9, 5).framing, (5, 5))
    images, found = (
        helper.make_tensor_value_info(name, TensorProto.UINT8, [None] * 4) for name in ("images", "found")
    )
    flag = helper.make_tensor_value_info("framed", TensorProto.BOOL, [])
    graph = helper.make_graph([nodes.choice("framed", "found")], "graph", [images, flag], [found])
    session = onnxruntime.InferenceSession(_model(graph))
    (same,) = session.run(None, {"images": pixels, "framed": np.array(True)})
    np.testing.assert_array_equal(same, pixels)


def test_torch_script_resizes_pads_and_crops_exactly_as_padimkit(case):
    preprocessing, image, expected = case
    given = torch_script.given(preprocessing.framing, expected.shape[:2])
    found = torch_script.seen(torch.from_numpy(image)[None], *given)
    np.testing.assert_array_equal(found[0].numpy(), expected)
