"""Tiles are as many small images, each with its own Gaussians, whose maps fade into each other."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from PIL import Image
from scipy.ndimage import gaussian_filter

from padimkit import (
    PCA,
    AnomalyMap,
    FilterBank,
    Gaussian,
    Identity,
    Joint,
    MVTec,
    Pipeline,
    Pixels,
    Preprocessing,
    Separate,
    ShortSide,
    Spade,
    Tiles,
    evaluate,
    load,
    save,
)
from padimkit.benchmark.planning.forecast import Forecasts
from padimkit.benchmark.planning.suite import Suite
from padimkit.cli.main import main
from padimkit.contracts import Backbone, DensityModel
from padimkit.errors import BadArgument, BadFeatures, BadScores, BadShape
from padimkit.images.tiles import Axis
from padimkit.pipeline.tiling import Tiling
from padimkit.values import Batch, Features, Scores

WHOLE = Preprocessing(resize=None, crop=None)


def preprocessing(size, overlap=0):
    return Preprocessing(resize=None, crop=None, tiles=Tiles(size, overlap))


def batches(images, size=4):
    names = tuple(f"{number}.png" for number in range(len(images)))
    return [
        Batch(images[start : start + size], names[start : start + size])
        for start in range(0, len(images), size)
    ]


def made(preprocessing, **parts):
    given = {"backbone": Pixels(), "reducer": Identity(), "density": Gaussian(), "map": AnomalyMap(sigma=0.0)}
    return Pipeline(**{**given, **parts}, preprocessing=preprocessing)


def tent(side):
    return np.minimum(np.arange(side) + 0.5, side - np.arange(side) - 0.5)


def blended(maps, vertical, horizontal):
    """The plain reference: maps of tiles by row and column, each weighted by its distance from the edges."""
    total = np.zeros((vertical.length, horizontal.length))
    weights = np.zeros_like(total)
    for row, top in enumerate(vertical.starts):
        for column, left in enumerate(horizontal.starts):
            place = np.s_[top : top + vertical.side, left : left + horizontal.side]
            weight = np.outer(tent(vertical.side), tent(horizontal.side))
            total[place] += weight * maps[row, column]
            weights[place] += weight
    return total / weights


@pytest.mark.parametrize(
    ("length", "side", "overlap", "starts"),
    [
        (2448, 512, 64, (0, 448, 896, 1344, 1792, 1936)),
        (2048, 512, 0, (0, 512, 1024, 1536)),
        (513, 512, 511, (0, 1)),
        (512, 512, 100, (0,)),
        (100, 40, 10, (0, 30, 60)),
    ],
)
def test_the_last_tile_ends_where_the_image_ends(length, side, overlap, starts):
    assert Axis.covered(length, side, overlap).starts == starts


def test_tiles_cover_each_pixel_and_are_as_few_as_possible(random):
    for _ in range(200):
        side = int(random.integers(1, 40))
        length, overlap = side + int(random.integers(0, 90)), int(random.integers(0, side))
        starts = Axis.covered(length, side, overlap).starts
        covered = np.zeros(length, int)
        for start in starts:
            covered[start : start + side] += 1
        assert covered.min() == 1 and starts[-1] == length - side
        steps = np.diff(starts)
        assert (steps[:-1] == side - overlap).all() and (steps > 0).all() and (steps <= side - overlap).all()


def test_constant_scores_blend_to_a_constant(random):
    for _ in range(20):
        side = tuple(int(one) for one in random.integers(8, 30, 2))
        size = tuple(one + int(random.integers(0, 50)) for one in side)
        axes = Tiles(side, int(random.integers(0, min(side)))).along(size)
        shape = [int(random.integers(1, 6)) * len(axis.starts) for axis in axes]
        found = AnomalyMap(sigma=3.0).predict([Scores(torch.full((1, *shape), 7.0))], size, axes)
        np.testing.assert_allclose(found.anomaly_maps, 7.0, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, 2.5])
def test_maps_are_upsampled_tile_by_tile_blended_and_then_smoothed(generator, sigma):
    axes = Tiles((20, 24), 7).along((53, 60))
    rows, columns = (len(axis.starts) for axis in axes)
    patches = torch.rand(2, rows * 5, columns * 6, generator=generator) * 40
    found = AnomalyMap(sigma=sigma).predict([Scores(patches)], (53, 60), axes)
    tiles = patches.reshape(2, rows, 5, columns, 6).permute(0, 1, 3, 2, 4).flatten(0, 2)
    upsampled = F.interpolate(tiles[:, None].double(), (20, 24), mode="bicubic", align_corners=False)[:, 0]
    for one, maps in zip(
        found.anomaly_maps, upsampled.reshape(2, rows, columns, 20, 24).numpy(), strict=True
    ):
        expected = gaussian_filter(blended(maps, *axes), sigma)
        np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.image_scores, found.anomaly_maps.amax((1, 2)))


def test_pixels_in_tiles_that_do_not_overlap_are_the_pixels_of_the_image(generator):
    train, test = torch.rand(9, 3, 12, 20, generator=generator), torch.rand(2, 3, 12, 20, generator=generator)
    whole, tiled = (made(kind).fit(batches(train)) for kind in (WHOLE, preprocessing((4, 5))))
    torch.testing.assert_close(tiled.predict(test).anomaly_maps, whole.predict(test).anomaly_maps)


class Thirds(Backbone):
    """Pixels, and their averages over 3 x 3, which no power of two makes of them."""

    def extract(self, images):
        return Features({"fine": images, "coarse": F.avg_pool2d(images, 3)}, images.mean((2, 3)))

    def to(self, device):
        pass


PARTS = {
    "filter bank": {"backbone": FilterBank(scales=2)},
    "bilinear": {"backbone": FilterBank(scales=2), "levels": Joint(alignment="bilinear")},
    "pooled": {"backbone": FilterBank(scales=2), "levels": Joint(pooling="local")},
    "separate": {"backbone": FilterBank(scales=2), "levels": Separate()},
    "averages": {"backbone": FilterBank(scales=2), "levels": Separate(pooling="global")},
    "thirds": {"backbone": Thirds()},
}


@pytest.mark.parametrize("side", [(36, 39), (40, 48)])  # halves in neither, in both directions
@pytest.mark.parametrize("parts", PARTS)
def test_each_tile_is_as_an_image_of_its_own(generator, parts, side):
    """Tiles get the maps that a pipeline for that tile alone gives them."""
    train, test = torch.rand(9, 3, 60, 81, generator=generator), torch.rand(1, 3, 60, 81, generator=generator)
    axes = Tiles(side, 9).along((60, 81))
    maps = np.empty((len(axes[0].starts), len(axes[1].starts), *side))
    for row, top in enumerate(axes[0].starts):
        for column, left in enumerate(axes[1].starts):
            place = np.s_[:, :, top : top + side[0], left : left + side[1]]
            alone = made(WHOLE, **PARTS[parts]).fit(batches(train[place]))
            maps[row, column] = alone.predict(test[place]).anomaly_maps[0]
    found = made(preprocessing(side, 9), **PARTS[parts]).fit(batches(train)).predict(test)
    np.testing.assert_allclose(found.anomaly_maps[0], blended(maps, *axes), rtol=2e-3)


def test_descriptors_are_means_over_the_tiles(generator):
    """Of tiles that do not overlap, that is the mean over the image."""
    train, test = torch.rand(3, 3, 12, 18, generator=generator), torch.rand(2, 3, 12, 18, generator=generator)
    pipeline = made(preprocessing(6), backbone=Thirds(), density=Spade(1, 1, 1)).fit(batches(train))
    known, unseen = (images.double().mean((2, 3)) for images in (train, test))
    expected = (unseen[:, None] - known).square().sum(2).amin(1)
    np.testing.assert_allclose(pipeline.predict(test).image_scores, expected, rtol=1e-3)


class Counting(Backbone):
    """Pixels; notes how many images it gets."""

    def __init__(self):
        self.counts = []

    def extract(self, images):
        self.counts.append(len(images))
        return Features({"pixels": images})

    def to(self, device):
        pass


def test_the_backbone_gets_as_many_tiles_at_a_time_as_there_are_images(generator):
    backbone = Counting()
    pipeline = made(preprocessing(6), backbone=backbone)
    pipeline.fit(batches(torch.rand(7, 3, 12, 18, generator=generator)))
    assert backbone.counts == [4] * 6 + [3] * 6
    backbone.counts.clear()
    pipeline.predict(torch.rand(1, 3, 12, 18, generator=generator))
    assert backbone.counts == [1] * 6


@pytest.mark.parametrize("density", [Gaussian(), Gaussian(scope="shared")], ids=["own", "shared"])
def test_tiles_are_stored_updated_and_merged_as_whole_images_are(generator, tmp_path, density):
    train, test = (
        torch.rand(12, 3, 12, 18, generator=generator),
        torch.rand(2, 3, 12, 18, generator=generator),
    )
    kind = preprocessing(8, 2)
    expected = made(kind, density=density).fit(batches(train)).predict(test).anomaly_maps
    updated = made(kind, density=density).fit(batches(train[:8]))
    save(updated, tmp_path / "model")
    updated.update(batches(train[8:]))
    merged, other = load(tmp_path / "model"), made(kind, density=density).fit(batches(train[8:]))
    assert merged.preprocessing == kind
    merged.merge(other)
    for pipeline in (updated, merged):
        torch.testing.assert_close(pipeline.predict(test).anomaly_maps, expected, rtol=1e-3, atol=1e-3)


def test_tiles_with_a_reducer_and_metrics_from_files(stripes):
    kind = Preprocessing(resize=48, crop=None, tiles=Tiles(36, 24))
    pipeline = made(kind, backbone=FilterBank(scales=2), reducer=PCA(keep=5))
    source = MVTec(stripes, "stripes")
    found = evaluate(pipeline.fit(source.train()), source.test())
    assert found.metrics["image_auroc"] == 1 and not found.undefined


def test_the_command_line_takes_tiles(stripes, tmp_path):
    words = ["padim-filter-bank", "--data=mvtec", f"--data.root={stripes}", "--data.category=stripes"]
    words += ["--pipeline.preprocessing.resize=80", "--pipeline.preprocessing.crop=null"]
    words += ["--pipeline.preprocessing.tiles.size=[40,48]", "--pipeline.preprocessing.tiles.overlap=8"]
    assert main(["fit", *words, f"--output={tmp_path / 'model'}"]) == 0
    stored = yaml.safe_load((tmp_path / "model/config.yaml").read_text())["pipeline"]["preprocessing"]
    assert stored["tiles"] == {"size": [40, 48], "overlap": 8}
    assert load(tmp_path / "model").preprocessing.tiles == Tiles((40, 48), 8)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (Tiles(0), '"tiles.size" of at least 1 pixel, got 0'),
        (Tiles((30, 20), 20), '"tiles.overlap" of at least 0 and below "tiles.size", got 20 and .30, 20.'),
        (Tiles(30, -1), '"tiles.overlap" of at least 0 and below "tiles.size", got -1 and 30'),
        (
            Tiles((30, 50)),
            r'"tiles.size" <= "size of the images", got tiles.size \[30, 50\] and .*\[40, 40\]',
        ),
    ],
)
def test_tiles_that_make_no_sense_are_refused(tiles, message):
    with pytest.raises(BadArgument, match=message):
        Preprocessing(resize=48, crop=40, tiles=tiles)


def test_an_image_smaller_than_a_tile_is_refused_by_name(tmp_path, generator):
    Image.new("RGB", (40, 20)).save(tmp_path / "a.png")
    small = Preprocessing(resize=ShortSide(10), crop=None, tiles=Tiles(12))
    with pytest.raises(
        BadShape, match=r'a\.png": An image of 20 x 40 .* 10 x 20 .* smaller than "tiles.size"'
    ):
        made(small).fit([tmp_path / "a.png"] * 2)
    with pytest.raises(BadShape, match=r'"0.png" has 10 x 20 pixels .* fewer than a tile .* 12 x 12\.'):
        made(small).fit(batches(torch.rand(3, 3, 10, 20, generator=generator)))


class OneScore(DensityModel):
    """A density whose scores do not have the positions of the embedding."""

    def fit(self, stream):
        list(stream)

    def score(self, embedding):
        return Scores(torch.zeros(len(embedding.patches), 1, 1))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_scores_that_are_not_those_of_tiles_are_refused(generator):
    pipeline = made(preprocessing(6), density=OneScore())
    pipeline.fit(batches(torch.rand(3, 3, 12, 18, generator=generator)))
    with pytest.raises(BadScores, match="OneScore returned scores of 1 x 1 positions for 2 x 3 tiles"):
        pipeline.predict(torch.rand(1, 3, 12, 18, generator=generator))


def test_memory_is_forecast_and_does_not_grow_with_the_images(generator, tmp_path, stripes):
    tiles = {"size": 48, "overlap": 16}  # 2 x 2 tiles, each of 12 x 12 positions
    sizes = {"preprocessing.resize": 80, "preprocessing.crop": None, "preprocessing.tiles": tiles}
    pipelines = [{"recipe": "padim-filter-bank", "name": "tiled", "set": sizes}]
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    suite = tmp_path / "suite.yaml"
    suite.write_text(yaml.safe_dump({"name": "s", "pipelines": pipelines, "datasets": [data]}))
    (found,) = (Forecasts().of(planned).bytes for planned in Suite.read(suite).planned)
    assert found == Gaussian().peak_bytes(images=12, channels=63, positions=4 * 12 * 12)
    sizes = []
    for count in (10, 20):
        images = torch.rand(count, 3, 12, 18, generator=generator)
        state = made(preprocessing(6)).fit(batches(images)).state_dict()
        sizes.append(sum(tensor.nbytes for tensor in state.values()))
    assert sizes[0] == sizes[1]


class Loud(Backbone):
    """Gives NaN where an image is white."""

    def extract(self, images):
        return Features({"pixels": torch.where(images > 0.95, torch.nan, images)})

    def to(self, device):
        pass


def test_features_of_a_tile_that_are_not_finite_name_its_image(generator):
    images = 0.9 * torch.rand(3, 3, 12, 18, generator=generator)
    images[0, :, :6, 6:12] = 1.0
    with pytest.raises(BadFeatures, match=r'"0\.png"'):
        made(preprocessing(6), backbone=Loud()).fit(batches(images))


@pytest.mark.parametrize("shape", [(1, 3), (2, 4)])
def test_scores_must_be_those_of_tiles_along_both_sides(shape):
    tiling = Tiling.of(Tiles(6), (12, 18), "a.png")
    with pytest.raises(BadScores):
        tiling.require_grid(Scores(torch.zeros(1, *shape)), "D")
