"""Bytes of whatever an object holds."""

import numpy as np
import pytest
import torch

from padimkit.benchmark.running.memory import held_by, resident


def test_each_buffer_counts_once_wherever_it_is_held():
    tensor, array = torch.zeros(1000), np.zeros(500)
    views = [tensor[:10], tensor.view(10, 100), array[::2], torch.from_numpy(array)]

    class Part:
        def __init__(self):
            self.views = {"some": views}
            self.function = lambda: tensor

    assert held_by(Part()) == tensor.nbytes + array.nbytes


def test_a_view_of_numpy_counts_by_the_array_that_it_shows():
    assert held_by(np.zeros((10, 50))[:, ::2].T) == 4000


@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_tensors_count_by_what_they_hold():
    coordinates = torch.eye(20).to_sparse()
    rows = torch.sparse_csr_tensor(torch.arange(21), torch.arange(20), torch.ones(20), (20, 20))
    assert held_by([coordinates]) == 2 * 20 * 8 + 20 * 4
    assert held_by([rows]) == 21 * 8 + 20 * 8 + 20 * 4


def test_a_function_counts_by_what_it_encloses_and_a_class_does_not():
    enclosed = torch.zeros(7)
    assert held_by(lambda: enclosed) == enclosed.nbytes
    assert held_by(torch.nn.Linear) == 0
    linear = torch.nn.Linear(3, 5)
    assert held_by(linear) == sum(parameter.nbytes for parameter in linear.parameters())


def test_what_is_resident_grows_with_what_is_held():
    before = resident()
    held = torch.ones(2**24)
    assert before == 0 or resident() - before > 0.9 * held.nbytes
