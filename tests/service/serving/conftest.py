"""A small model, pictures for it, and a server that has it under two names."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image
from served import running

from padimkit import (
    AnomalyMap,
    Gaussian,
    Inspector,
    Pipeline,
    Pixels,
    Preprocessing,
    RandomChannels,
    calibrate,
    save,
)
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.service import Service

LIMITS = Limits(megabytes=0.05, megapixels=0.01, seconds=20, waiting=16)


def stripes(random, *, defect):
    pixels = 128 + 40 * np.sin(np.arange(48) / 3)[None, :] + random.normal(0, 6, (48, 48))
    if defect:
        pixels[18:28, 18:28] = 250
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def as_bytes(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def good(common_seed):
    """The contents of files of normal pictures, which were not learnt."""
    random = np.random.default_rng(common_seed + 1)
    return [as_bytes(stripes(random, defect=False)) for _ in range(6)]


@pytest.fixture(scope="session")
def bad(common_seed):
    """The content of the file of a picture with a defect."""
    return as_bytes(stripes(np.random.default_rng(common_seed + 2), defect=True))


@pytest.fixture(scope="session")
def model(common_seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving")
    random = np.random.default_rng(common_seed)
    (folder / "learnt").mkdir()
    for number in range(12):
        stripes(random, defect=False).save(folder / "learnt" / f"{number:02}.png")
    parts = Pixels(), RandomChannels(keep=2), Gaussian()
    pipeline = Pipeline(*parts, map=AnomalyMap(1.0), preprocessing=Preprocessing(32, 28))
    pipeline.fit(folder / "learnt", progress=False)
    save(pipeline, folder / "bolts", calibration=calibrate(pipeline, folder / "learnt"))
    return folder / "bolts"


@pytest.fixture(scope="session")
def inspector(model):
    return Inspector(model)


@pytest.fixture(scope="session")
def url(inspector):
    """A server with two models, which are one."""
    with running(Service({"bolts": inspector, "nuts": inspector}, LIMITS)) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
def post(client):
    """Asks for a verdict on the content of a file."""

    def post(content, model="bolts", **query):
        return client.post("/predict", content=content, params={"model": model, **query})

    return post
