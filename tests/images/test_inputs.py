"""Every form in which people hand in images gives the same prediction, or is refused in one sentence."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit import (
    BadArgument,
    BadData,
    BadImage,
    BadShape,
    Batch,
    Folder,
    Gaussian,
    Identity,
    NotFitted,
    Pipeline,
    Pixels,
    Preprocessing,
    Reader,
    Sample,
)

SIZES = Preprocessing(resize=12, crop=8)


def pixels_of(seed, height=20, width=30):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def good(tmp_path):
    """A folder of five pictures."""
    (tmp_path / "good").mkdir()
    for number in range(5):
        Image.fromarray(pixels_of(number)).save(tmp_path / "good" / f"{number}.png")
    return tmp_path / "good"


@pytest.fixture
def pipeline(good):
    made = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=SIZES)
    made.fit(good)
    return made


def opened(good):
    return [Image.open(path) for path in sorted(good.iterdir())]


def arrays(good):
    return [np.asarray(picture) for picture in opened(good)]


def tensors(good):
    return torch.stack([SIZES.image(picture) for picture in opened(good)])


FORMS = {
    "a folder": lambda good: good,
    "the name of a folder": str,
    "a list of folders": lambda good: [good],
    "a list of paths": lambda good: sorted(good.iterdir()),
    "a list of names": lambda good: sorted(map(str, good.iterdir())),
    "a tuple of paths": lambda good: tuple(sorted(good.iterdir())),
    "PIL images": opened,
    "arrays": arrays,
    "one array": lambda good: np.stack(arrays(good)),
    "one array of floats": lambda good: np.stack(arrays(good)) / 255,
    "one array of small floats": lambda good: (np.stack(arrays(good)) / 255).astype(np.float16),
    "a tensor": tensors,
    "a tensor of doubles": lambda good: tensors(good).double(),
    "a tensor of bytes": lambda good: (tensors(good) * 255).round().byte(),
    "a list of tensors": lambda good: list(tensors(good)),
    "samples": lambda good: Folder(good).train(),
    "batches of a reader": lambda good: Reader(SIZES, 2).batches(Folder(good).train()),
    "a list of batches": lambda good: list(Reader(SIZES, 2).batches(Folder(good).train())),
    "one batch": lambda good: next(iter(Reader(SIZES).batches(Folder(good).train()))),
    "different forms": lambda good: [arrays(good)[0], str(good / "1.png"), *sorted(good.iterdir())[2:]],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_form_of_the_same_images_gives_the_same_prediction(good, pipeline, form):
    expected = pipeline.predict(good)
    found = pipeline.predict(form(good), batch_size=2)
    assert torch.allclose(found.image_scores, expected.image_scores, rtol=1e-2)  # of small floats
    assert found.anomaly_maps.shape == (5, 8, 8)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_each_form_can_be_learnt_from(good, pipeline, form):
    other = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=SIZES)
    other.fit(form(good))
    other.update(form(good))
    pipeline.update(good)
    scores, expected = other.predict(good).image_scores, pipeline.predict(good).image_scores
    assert torch.allclose(scores, expected, rtol=1e-2)


ONE = {
    "a path": lambda path: path,
    "a name": str,
    "a PIL image": Image.open,
    "an array": lambda path: np.asarray(Image.open(path)),
    "a tensor": lambda path: SIZES.image(Image.open(path)),
    "a sample": Sample,
}


@pytest.mark.parametrize("form", ONE.values(), ids=ONE)
def test_one_image_gives_a_prediction_of_one(good, pipeline, form):
    (found,) = pipeline.predict(form(good / "3.png"))
    assert found.score == pytest.approx(float(pipeline.predict(good).image_scores[3]))
    assert found.anomaly_map.shape == (8, 8)


def test_grey_pictures_of_any_form_are_the_same(pipeline, tmp_path):
    grey = pixels_of(9)[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    scores = [
        float(pipeline.predict(image).image_scores)
        for image in (
            tmp_path / "grey.png",
            grey,
            grey / 255,
            Image.fromarray(grey),
            np.stack([grey] * 3, axis=-1),
        )
    ]
    assert scores == pytest.approx([scores[0]] * 5)


def test_a_picture_is_turned_upright_whether_it_is_a_path_or_open(pipeline, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.fromarray(pixels_of(9)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    path = tmp_path / "turned.jpg"
    assert pipeline.predict(path).image_scores == pipeline.predict(Image.open(path)).image_scores


def test_predictions_know_the_paths_or_the_numbers(good, pipeline):
    paths = [str(path) for path in sorted(good.iterdir())]
    assert [image.path for image in pipeline.predict(good)] == paths == list(pipeline.predict(good).paths)
    assert [image.path for image in pipeline.predict(opened(good))] == paths
    for numbered in (arrays(good), tensors(good)):
        names = [image.path for image in pipeline.predict(numbered, batch_size=2)]
        assert names == [f"image {number}" for number in range(5)]


def test_a_home_folder_is_found(good, pipeline, monkeypatch):
    monkeypatch.setenv("HOME", str(good.parent))
    assert len(pipeline.predict("~/good")) == 5


def test_batches_and_generators_are_read_one_by_one(good, pipeline):
    batches = Reader(SIZES, 2).batches(Folder(good).train())
    expected = pipeline.predict(good).image_scores
    assert torch.allclose(pipeline.predict(batch for batch in batches).image_scores, expected)
    for images in (good.glob("*.png"), map(np.asarray, opened(good)), iter(tensors(good))):
        found = pipeline.predict(images, batch_size=2)
        assert sorted(found.image_scores.tolist()) == pytest.approx(sorted(expected.tolist()))
        assert len(set(found.paths)) == 5
    pairs = iter(tensors(good).split(2))  # as a data loader gives them
    assert pipeline.predict(pairs, batch_size=2).paths == tuple(f"image {number}" for number in range(5))


def test_a_prediction_is_shown_in_a_line(good, pipeline):
    low, high = pipeline.predict(good).image_scores.aminmax()
    expected = f"Prediction(5 images, scores {low:.4g} to {high:.4g}, maps of 8 x 8 pixels)"
    assert repr(pipeline.predict(good)) == expected


def test_a_fit_returns_the_pipeline(good):
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=SIZES)
    assert pipeline.fit(good) is pipeline


def test_where_types_are_not_checked_names_are_paths_and_other_things_than_parts_are_refused():
    """In an interpreter as users have it."""
    code = (
        "from padimkit import BadArgument, Gaussian, Identity, Pipeline, Pixels, Sample\n"
        "for parts in (('pixels', Identity(), Gaussian()), (Pixels, Identity(), Gaussian())):\n"
        "    try:\n        Pipeline(*parts)\n    except BadArgument as error:\n        print(error)\n"
        "sample = Sample('a.png', mask='b.png')\n"
        "print(sample.path.parent, sample.mask.stem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    name, kind, paths = done.stdout.splitlines()
    assert name == "Expected \"backbone\" to be a Backbone, got 'pixels'."
    assert kind.endswith("Make one: Pixels(...).")
    assert paths == ". b"


def broken(good):
    """An open picture whose file ends early."""
    content = (good / "0.png").read_bytes()
    return Image.open(io.BytesIO(content[: len(content) // 2]))


REFUSED = {
    "a missing path": (lambda good: "nowhere.png", BadImage, '"nowhere.png" does not exist'),
    "an empty folder": (lambda good: good.parent / "empty", BadData, "holds no images"),
    "no images": (lambda good: [], BadData, "There are no images to score"),
    "a data set": (Folder, BadArgument, 'Folder has two lists of images. Pass its "train\\(\\)" or its'),
    "a number": (lambda good: 3, BadArgument, "int is not understood as images"),
    "nothing": (lambda good: None, BadArgument, "NoneType is not understood"),
    "bytes": (lambda good: b"abc", BadArgument, r"PIL.Image.open\(io.BytesIO"),
    "an open file": (lambda good: io.BytesIO(b"abc"), BadArgument, r"PIL.Image.open\(io.BytesIO"),
    "a generator of numbers": (lambda good: iter([3]), BadArgument, "int is not understood as images"),
    "an empty path": (lambda good: "", BadArgument, "A path is empty"),
    "no tensors": (lambda good: torch.zeros(0, 3, 8, 8), BadData, "There are no images to score"),
    "a channel": (lambda good: np.zeros((9, 9, 1), np.uint8), BadShape, r"array\[..., 0\]"),
    "many channels": (lambda good: np.zeros((2, 1, 9, 9), np.uint8), BadShape, r"of shape \(2, 1, 9, 9\)"),
    "an empty picture": (lambda good: Image.new("RGB", (0, 5)), BadImage, "image 0 is empty: 0 x 5"),
    "a broken picture": (
        broken,
        BadImage,
        "PIL image image 0 cannot be decoded: image file",
    ),
    "channels first": (
        lambda good: pixels_of(0).transpose(2, 0, 1),
        BadShape,
        "transpose it, or make it a t",
    ),
    "many channels first": (lambda good: tensors(good).numpy(), BadShape, "transpose it, or make it a t"),
    "either end": (lambda good: np.zeros((3, 9, 3), np.uint8), BadShape, "channels could be first or last"),
    "transparency": (lambda good: np.zeros((9, 9, 4), np.uint8), BadShape, "Leave out transparency"),
    "many grey ones": (lambda good: np.zeros((5, 9, 9), np.uint8), BadShape, "several grey images as a list"),
    "a row": (lambda good: np.zeros(9, np.uint8), BadShape, r"image 0 is an array of shape \(9,\)"),
    "an empty array": (lambda good: np.zeros((0, 9), np.uint8), BadShape, r"of shape \(0, 9\)"),
    "channels last": (
        lambda good: tensors(good).permute(0, 2, 3, 1),
        BadShape,
        "Channels come first in tens",
    ),
    "a grey tensor": (lambda good: torch.rand(8, 8), BadShape, r"Got a tensor of shape \(8, 8\)"),
    "another size": (lambda good: torch.rand(3, 9, 9), BadShape, "images of 8 x 8 pixels, got 9 x 9"),
    "sizes that differ": (
        lambda good: [torch.rand(3, 9, 9), torch.rand(3, 8, 8)],
        BadShape,
        "differ in size",
    ),
    "a mixture": (lambda good: [torch.rand(3, 8, 8), good], BadArgument, "mixed in one list"),
    "32 bits": (
        lambda good: pixels_of(0).astype(np.int32),
        BadImage,
        "of int32; expected uint8, uint16, or fl",
    ),
    "truth values": (lambda good: pixels_of(0) > 9, BadImage, "an array of bool"),
    "large floats": (lambda good: pixels_of(0).astype(float), BadImage, "from 0 to 255; expected 0 to 1"),
    "negative floats": (lambda good: pixels_of(0) / 255 - 0.5, BadImage, "from -0.5 to 0.5; expected 0"),
    "NaN": (lambda good: np.full((9, 9), np.nan), BadImage, "from nan to nan"),
    "minus 1 to 1": (lambda good: torch.rand(1, 3, 8, 8) * 2 - 1, BadImage, "leave normalisation to the bac"),
    "normalised": (
        lambda good: (torch.rand(1, 3, 8, 8) * 0.7 - 0.45) / 0.22,
        BadImage,
        "leave normalisation",
    ),
    "a tensor of 16 bits": (
        lambda good: torch.ones(1, 3, 8, 8).to(torch.uint16),
        BadImage,
        "got torch.uint16. Divide it by the largest value",
    ),
    "a large tensor": (lambda good: torch.rand(1, 3, 8, 8) * 255, BadImage, "Divide bytes by 255"),
}


@pytest.mark.parametrize(("form", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_all_else_is_refused_in_a_sentence(good, pipeline, form, error, message):
    (good.parent / "empty").mkdir()
    with pytest.raises(error, match=message):
        pipeline.predict(form(good))


@pytest.mark.parametrize("method", ["predict", "update"])
def test_nothing_is_read_before_a_fit(method):
    with pytest.raises(NotFitted):
        getattr(Pipeline(Pixels(), Identity(), Gaussian()), method)("nowhere")


def test_a_fit_refuses_what_can_be_read_once_only(pipeline):
    batch = Batch(torch.rand(2, 3, 8, 8), ("a", "b"))
    with pytest.raises(BadArgument, match="can be read only once"):
        pipeline.fit(batch for _ in range(2))
