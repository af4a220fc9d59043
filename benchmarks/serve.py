"""`make bench-serve`: a server under load, on drawn images: throughput, latency, and what a kill loses.

Clients on the same machine send images one after another, each over a connection of its own; all scores are
compared with those of `padimkit predict`. A server is then killed, and another stopped, in the middle.
"""

import argparse
import csv
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import numpy as np

from benchmarks import machine
from padimkit.cli.main import main as padimkit
from padimkit.datasets.synthetic.dataset import Synthetic

RECORD = Path(__file__).parent / "records" / "serve.json"
_PATIENCE = 600.0  # seconds, after which a request counts as lost


@dataclass(frozen=True)
class Answer:
    """The answer to one request: number of its image, score, seconds, and how often it was sent."""

    image: int
    score: float
    seconds: float
    attempts: int


def ask(
    url: str,
    images: Sequence[bytes],
    requests: int,
    clients: int,
    done: Callable[[int], None] = lambda _: None,
) -> list[Answer]:
    """Return the answers to this many requests from this many clients, which take the images in turn.

    A request without an answer is sent again; `done` is called with the number of answers so far.
    """
    numbers, answered = count(), count(1)

    def client(_: int) -> list[Answer]:
        found = []
        while (number := next(numbers)) < requests:
            image = number % len(images)
            found.append(_answer(url, image, images[image]))
            done(next(answered))
        return found

    with ThreadPoolExecutor(clients) as pool:
        return [answer for found in pool.map(client, range(clients)) for answer in found]


def _answer(url: str, number: int, content: bytes) -> Answer:
    start = time.perf_counter()
    for attempt in count(1):
        try:
            return Answer(number, _score(url, content), time.perf_counter() - start, attempt)
        except (OSError, http.client.HTTPException):
            if time.perf_counter() - start > _PATIENCE:
                raise
            time.sleep(0.05)
    raise AssertionError  # never: the loop has no end


def _score(url: str, content: bytes) -> float:
    """Return the score of one image.

    Raises:
        HTTPException: The server is full, or its answer was cut off.
        OSError: There is no server.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_PATIENCE)
    try:
        connection.request("POST", "/predict", content)
        answer = connection.getresponse()
        line = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status == 503:
        raise http.client.HTTPException(line["error"])
    if answer.status != 200:
        raise AssertionError(line)
    return float(line["score"])


@contextmanager
def serving(model: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Yield URL and process of a server, which is stopped at the end."""
    command = [sys.executable, "-m", "padimkit", "serve", str(model), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split(" on ")[1].split()[0], process
        finally:
            process.terminate()


def speed(answers: Sequence[Answer], seconds: float) -> dict[str, float]:
    """Return throughput and latencies."""
    times = 1000 * np.array([answer.seconds for answer in answers])
    return {
        "requests": len(answers),
        "images_per_second": len(answers) / seconds,
        "median_ms": float(np.median(times)),
        "p99_ms": float(np.quantile(times, 0.99)),
    }


def agreement(answers: Sequence[Answer], scores: Sequence[float]) -> dict[str, float]:
    """Return how many scores are the same to the bit, and the largest relative difference of the others."""
    found = np.array([answer.score for answer in answers])
    expected = np.array([scores[answer.image] for answer in answers])
    return {
        "the_same": int((found == expected).sum()),
        "largest_difference": float(np.max(np.abs(found - expected) / np.abs(expected))),
    }


def timed(
    model: Path, images: Sequence[bytes], scores: Sequence[float], requests: int, clients: int, *options: str
) -> dict[str, float]:
    """Return speed and agreement of a server of its own."""
    with serving(model, "--port=0", *options) as (url, process):
        ask(url, images, 2 * clients, clients)  # the first ones find cold caches
        start, before = time.perf_counter(), _processor_seconds(process.pid)
        answers = ask(url, images, requests, clients)
        seconds, busy = time.perf_counter() - start, _processor_seconds(process.pid) - before
    found = speed(answers, seconds) | {"processor_ms": 1000 * busy / len(answers)}
    return found | agreement(answers, scores)


def _processor_seconds(process: int) -> float:
    """Return the processor time of a process so far, on Linux."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def interrupted(
    model: Path,
    images: Sequence[bytes],
    scores: Sequence[float],
    requests: int,
    clients: int,
    with_signal: signal.Signals,
) -> dict[str, float]:
    """Return what is left of requests whose server ends in the middle, and starts again on its port."""
    middle = Event()

    def done(number: int) -> None:
        if number >= requests // 2:
            middle.set()

    with ThreadPoolExecutor(1) as pool:
        with serving(model, "--port=0") as (url, process):
            answers = pool.submit(ask, url, images, requests, clients, done)
            middle.wait(_PATIENCE)
            process.send_signal(with_signal)
            status, said = process.wait(), process.stdout.read() if process.stdout else ""
        with serving(model, f"--port={urlsplit(url).port}") as (_, second):
            found = answers.result()
            second.terminate()
            said_later = second.stdout.read() if second.stdout else ""
    return {
        "status": status,
        "answered": len(found),
        "sent_again": sum(answer.attempts > 1 for answer in found),
        "counted_by_the_servers": counted(said + said_later),
        **agreement(found, scores),
    }


def counted(said: str) -> int:
    """Return how many images servers have answered, by what they say when they are stopped."""
    return sum(map(int, re.findall(r"^Stopped after (\d+)", said, re.MULTILINE)))


def predicted(model: Path, paths: Sequence[Path], folder: Path) -> list[float]:
    """Return the scores of `padimkit predict`."""
    assert padimkit(["predict", str(model), *map(str, paths), f"--output={folder}"]) == 0
    with (folder / "scores.csv").open(newline="") as file:
        found = {row["path"]: float(row["score"]) for row in csv.DictReader(file)}
    return [found[str(path)] for path in paths]


def _rows(
    model: tuple[Path, Sequence[bytes], Sequence[float]], requests: int, clients: int
) -> Iterator[tuple[str, dict[str, float]]]:
    yield "as it is", timed(*model, requests, clients)
    yield "batches of one", timed(*model, requests // 4, clients, "--batch_size=1")
    yield "one client", timed(*model, requests // 4, 1)
    yield "killed", interrupted(*model, requests // 2, clients, signal.SIGKILL)
    yield "stopped", interrupted(*model, requests // 2, clients, signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="padim-lite0", help="The recipe of the model.")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = Synthetic(folder / "drawn", "object")
        paths = [sample.path for sample in data.test()]
        drawn = ["--data=synthetic", f"--data.root={folder / 'drawn'}", "--data.category=object"]
        assert padimkit(["fit", given.recipe, *drawn, f"--output={folder / 'model'}"]) == 0
        scores = predicted(folder / "model", paths, folder / "predicted")
        model = (folder / "model", [path.read_bytes() for path in paths], scores)
        rows = {}
        for row, found in _rows(model, given.requests, given.clients):
            print(row, json.dumps(found), flush=True)
            rows[row] = found
    facts = {"machine": machine.describe(), "versions": machine.versions()}
    record = {"recipe": given.recipe, "clients": given.clients}
    given.record.write_text(json.dumps(record | {"rows": rows} | facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
