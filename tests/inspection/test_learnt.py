import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit import Gaussian, Identity, Pipeline, Pixels
from padimkit.errors import BadImage, BadModel
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample
from padimkit.inspection.history import step
from padimkit.inspection.learnt import LearntImage, as_csv, digests, from_csv, outliers
from padimkit.inspection.recalibration import hindrance
from padimkit.values import Batch

DIGEST = "0123456789abcdef" * 4


def test_an_image_far_above_the_others_is_suspicious(random):
    scores = [*random.uniform(8, 12, 100), 40.0, 0.0]  # of normal distributions it marks one in 4,000
    assert outliers(scores) == [False] * 100 + [True, False]


def test_few_of_many_normal_images_are_suspicious(random):
    marks = [outliers(random.gumbel(10, 1, 200).tolist()) for _ in range(50)]
    assert np.mean(marks) < 0.01


@pytest.mark.parametrize("scores", [[3.0], [3.0, 3.0, 9.0], [0.0, 0.0], [-1.0, 2.0, 0.5], [1.0, 2.0]])
def test_too_few_or_equal_scores_are_not_suspicious(scores):
    assert outliers(scores) == [False] * len(scores)


def test_files_are_told_by_their_bytes_and_others_by_their_pixels(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path)
    images = torch.stack([torch.zeros(3, 4, 4), torch.zeros(3, 4, 4), torch.full((3, 4, 4), 1 / 255)])
    names = (str(path), "image 1", "image 2")
    of_file, of_pixels, of_others = digests(Batch(images, names, files=(path, None, None)))
    assert of_file == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len({of_file, of_pixels, of_others}) == 3
    assert list(digests(Batch(images, names))) == [of_pixels, of_pixels, of_others]
    (again,) = digests(Batch(images[1:2].contiguous(memory_format=torch.channels_last), ("other name",)))
    assert again == of_pixels
    (wide,) = digests(Batch(torch.zeros(1, 3, 2, 8), ("image 1",)))
    assert wide != of_pixels


def test_the_table_gives_the_images_again():
    images = (
        LearntImage('a, "quoted"\nname.png', DIGEST, 0.1 + 0.2, True),
        LearntImage("ä/b.png", DIGEST),
    )
    assert from_csv(as_csv(images), "training.csv") == images
    assert from_csv(as_csv(()), "training.csv") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", '"t.csv" has the columns ; expected path, sha256'),
        ("path,sha256\n", "has the columns path, sha256; expected"),
        ("path,sha256,score,suspicious\na,b\n", '"t.csv", line 2 has 2 columns; expected 4'),
        ("path,sha256,score,suspicious\na,b,1,true\n", '"sha256" is "b"; expected 64 hexadecimal digits'),
        (f"path,sha256,score,suspicious\na,{DIGEST},x,true\n", '"score" is "x"; expected a finite number'),
        (
            f"path,sha256,score,suspicious\na,{DIGEST},nan,true\n",
            '"score" is "nan"; expected a finite number',
        ),
        (
            f"path,sha256,score,suspicious\na,{DIGEST},1,yes\n",
            '"suspicious" is "yes"; expected true or false',
        ),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_file_line_and_column(text, message):
    with pytest.raises(BadModel, match=message):
        from_csv(text, "t.csv")


def test_a_file_that_has_gone_is_named(tmp_path):
    with pytest.raises(BadImage, match='gone.png" cannot be read: No such file'):
        list(digests(Batch(torch.zeros(1, 3, 4, 4), ("gone.png",), files=(tmp_path / "gone.png",))))


def test_learnt_images_with_relative_paths_are_looked_for_where_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digest = hashlib.sha256(b"a").hexdigest()
    assert hindrance([LearntImage("a.png", digest)]).endswith(f'("a.png", looked for from "{tmp_path}")')
    (tmp_path / "a.png").write_bytes(b"a")
    assert hindrance([LearntImage("a.png", digest)]) == ""
    assert hindrance([LearntImage(str(tmp_path / "b.png"), digest)]).endswith(f'("{tmp_path / "b.png"}")')


def test_images_that_a_data_set_makes_of_files_are_told_by_their_pixels(tmp_path):
    """Else another view of the same file would pass for one that was learnt, and be read in its place."""
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4), "grey").save(path)
    turned = Sample(path, open=lambda path: Image.new("RGB", (4, 4), "white"))
    assert Sample(path).file == path and turned.file is None and Sample(tmp_path / "gone.png").file is None
    (plain,), (other,) = (Reader(Preprocessing(4, 4)).batches([one]) for one in (Sample(path), turned))
    assert plain.files == (path,) and other.files == (None,)
    assert list(digests(plain)) != list(digests(other))
    assert hindrance([LearntImage(str(path), *digests(plain))]) == ""
    assert "1 of 1 learnt images have moved or changed" in hindrance(
        [LearntImage(str(path), *digests(other))]
    )
    preprocessing = Preprocessing(4, 4)
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=preprocessing).fit([path, path])
    assert step("fit", [Sample(path), turned], pipeline).sizes == ((4, 4, 1),)
