import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from padimkit import Joint, Separate
from padimkit.inspection.exported.runtimes import runtime
from padimkit.moments.averages import averages, traceable_averages
from padimkit.testing.exports import traced
from padimkit.values import Features


@pytest.fixture
def maps(generator):
    return torch.randn(2, 3, 300, 400, generator=generator).abs()


@pytest.mark.parametrize("average", [averages, traceable_averages])
def test_averages_are_those_of_numpy(average, maps):
    expected = maps.double().numpy().mean((2, 3))
    np.testing.assert_allclose(average(maps), expected, rtol=1e-6)


def test_openvino_pools_large_maps_as_exactly(maps):
    def pooled(images: Tensor) -> tuple[Tensor, ...]:
        maps = conv2d(
            images, torch.eye(3)[:, :, None, None]
        )  # gives a memory layout that it adds up worse in
        splits = [levels(pooling="global").traceable() for levels in (Joint, Separate)]
        return tuple(found.maps[0] for split in splits for found in split(Features({"layer": maps})).values())

    openvino = runtime("openvino", "openvino")
    model = openvino.convert_model(traced(pooled, [maps]))
    run = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = maps.double().numpy().mean((2, 3), keepdims=True)
    for found in run(maps.numpy()).values():
        np.testing.assert_allclose(found, expected, rtol=2e-6)
