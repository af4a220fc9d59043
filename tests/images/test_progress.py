import io
import logging
import sys

import pytest
import torch

from padimkit import Gaussian, Identity, Pipeline, Pixels
from padimkit.cli.progress import logs_shown
from padimkit.images.progress import Progress
from padimkit.values import Batch

BATCHES = [Batch(torch.zeros(1, 3, 4, 4), (name,)) for name in "abc"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_is_shown_on_a_terminal_in_each_loop(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    batches = Progress(BATCHES, "Fitting")
    for _ in range(2):
        assert list(batches) == BATCHES
    assert sys.stderr.getvalue().count("Fitting") >= 2


def test_nothing_is_shown_elsewhere(capsys):
    assert list(Progress(BATCHES, "Fitting")) == BATCHES
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_what_the_parts_log_is_shown_while_they_work(monkeypatch, terminal):
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    logger = logging.getLogger("padimkit.densities.gaussian")
    with logs_shown(Pipeline(Pixels(), Identity(), Gaussian())):
        for number, _ in enumerate(Progress(BATCHES, "Fitting")):
            logger.info("epoch %d of 3", number)
            logging.getLogger("stranger").info("not of the pipeline")
    logger.info("later")
    shown = sys.stderr.getvalue()
    assert all(f"epoch {number} of 3" in shown for number in range(3))
    assert "stranger" not in shown and "not of" not in shown and "later" not in shown
