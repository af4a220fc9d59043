import errno
import os
from pathlib import Path

import pytest
import torch

from padimkit.errors import BadOutput, OverBudget
from padimkit.memory import IN_MEMORY, ON_DISK

CPU = torch.device("cpu")


@pytest.mark.parametrize("allocator", [IN_MEMORY, ON_DISK])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_a_tensor_can_be_written_and_read(generator, allocator, dtype):
    values = torch.randn(3, 4, 5, generator=generator).to(dtype)
    kept = allocator.empty((3, 4, 5), dtype, CPU)
    kept.copy_(values)
    assert torch.equal(kept, values)
    assert kept.is_contiguous()
    copy = allocator.copy(values)
    copy += 1
    assert torch.equal(copy, values + 1)
    assert torch.equal(kept, values)


def test_a_tensor_without_numbers_needs_no_file():
    assert ON_DISK.empty((0, 4), torch.float32, CPU).shape == (0, 4)


def test_files_go_with_their_tensors(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    kept = ON_DISK.copy(torch.ones(1000))
    assert kept.sum() == 1000
    del kept
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def test_a_full_disk_is_reported_before_anything_is_written(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(BadOutput, match=r"0\.00 GB cannot be spooled to .*No space left on device.*TMPDIR"):
        ON_DISK.empty((4,), torch.float32, CPU)


@pytest.mark.parametrize("values", [3, 2**18 + 1])  # 2**20 bytes are written at a time
def test_systems_that_cannot_reserve_room_write_it(monkeypatch, values):
    monkeypatch.delattr(os, "posix_fallocate")
    kept = ON_DISK.copy(torch.arange(float(values)))
    assert torch.equal(kept, torch.arange(float(values)))


def test_other_devices_have_no_files():
    with pytest.raises(OverBudget, match='on "cuda" nothing can be kept in a file'):
        ON_DISK.empty((4,), torch.float32, torch.device("cuda"))
