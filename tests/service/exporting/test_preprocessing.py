"""The preprocessing of graphs beside that of padimkit, by Pillow."""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

from padimkit import LongSide, Preprocessing, Scale, ShortSide
from padimkit.service.exporting import torch_script
from padimkit.service.exporting.onnx_model import OPSET
from padimkit.service.exporting.preprocessing import Preprocessing as Nodes

CASES = [
    (Preprocessing(64, 56), (200, 100)),
    (Preprocessing(64, 56), (100, 200)),
    (Preprocessing(64, None), (30, 40)),
    (Preprocessing((40, 70), None), (90, 60)),
    (Preprocessing(None, 20), (33, 47)),
    (Preprocessing(ShortSide(40), 32), (90, 121)),
    (Preprocessing(LongSide(40), None, pad=50), (90, 121)),
    (Preprocessing(LongSide(40), 30, pad=50, roi=(5, 10, 100, 80)), (90, 121)),
    (Preprocessing(Scale(0.37), 24), (95, 81)),
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
    flag = helper.make_tensor_value_info("framed", TensorProto.BOOL, [])
    graph = helper.make_graph([nodes.choice("framed", "pixels")], "graph", [images, flag], [pixels])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString())


def test_onnx_resizes_pads_and_crops_as_pillow_but_for_some_last_bits(case):
    preprocessing, image, expected = case
    session = _graph(preprocessing, expected.shape[:2])
    (found,) = session.run(None, {"images": image[None], "framed": np.array(False)})
    off = np.abs(found[0].astype(int) - expected.astype(int))
    assert off.max() <= 1 and (off > 0).mean() < 2e-3
    (same,) = session.run(None, {"images": image[None], "framed": np.array(True)})
    np.testing.assert_array_equal(same[0], image)


def test_torch_script_resizes_pads_and_crops_exactly_as_pillow(case):
    preprocessing, image, expected = case
    given = torch_script.given(preprocessing.framing, expected.shape[:2])
    found = torch_script.seen(torch.from_numpy(image)[None], *given)
    np.testing.assert_array_equal(found[0].numpy(), expected)
