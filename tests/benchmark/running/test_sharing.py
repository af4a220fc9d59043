import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit.backbones.filter_bank import FilterBank
from padimkit.backbones.timm import Timm
from padimkit.benchmark.cell import FeatureArguments, Shelf
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.running.feature_store import FeatureStore
from padimkit.benchmark.running.runner import run_suite
from padimkit.benchmark.running.shared_backbone import Identity, SharedBackbone
from padimkit.benchmark.running.shared_images import SharedImages, decoding_of
from padimkit.benchmark.running.sharing import sharing
from padimkit.contracts import Backbone
from padimkit.datasets.mvtec import MVTec
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadConfig, BadFeatures, BadOutput
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers.identity import Identity as IdentityReducer
from padimkit.values import Batch, Features

SMALL = {
    "backbone": {"class_path": "filter_bank", "init_args": {"scales": 1, "orientations": 2}},
    "reducer": {"class_path": "random_channels", "init_args": {"keep": 3}},
    "density": "gaussian",
    "preprocessing": {"resize": 32, "crop": 28},
}


@pytest.fixture
def store(tmp_path):
    def store(name="one", most_bytes=10**8):
        return FeatureStore(Shelf(str(tmp_path / "shelves" / name), most_bytes))

    return store


@pytest.fixture
def passes(monkeypatch):
    """The number of images of each pass of a filter bank."""
    found, extract = [], FilterBank.extract

    def counted(self, images):
        found.append(len(images))
        return extract(self, images)

    monkeypatch.setattr(FilterBank, "extract", counted)
    return found


def run(path, folder):
    suite = Suite.read(path)
    records = list(run_suite(suite, suite.planned, folder))
    assert [record.failure for record in records] == [None] * len(records)
    return {record.cell.title: record for record in records}


def outcome(record):
    return record.metrics, record.curves, record.images, record.examples, record.verdicts, record.plugins


def test_cells_that_share_run_the_network_once_with_the_same_outcome(
    suite, tmp_path, passes, in_this_process
):
    pipelines = [
        {"name": "Rd", "pipeline": SMALL},
        {"name": "sum", "pipeline": SMALL | {"levels": "separate", "reducer": "identity"}},
    ]
    changes = {"pipelines": pipelines, "batch_size": 5, "seeds": [0]}
    changes |= {"calibration": {"false_alarms": 0.2, "folds": 3}}
    shared = run(suite(**changes), tmp_path / "shared")
    once, _ = sum(passes), passes.clear()
    apart = run(suite(**changes, features={"most_gb": 0}), tmp_path / "apart")
    assert {name: outcome(one) for name, one in shared.items()} == {
        name: outcome(one) for name, one in apart.items()
    }
    assert len(shared) == 2 and once <= sum(passes) / 2
    assert [path for path in (tmp_path / "shared").iterdir() if path.is_dir()] == []


def test_features_are_kept_where_a_folder_is_named_until_data_change(
    suite, stripes, tmp_path, passes, in_this_process
):
    changes = {"pipelines": [{"name": "Rd", "pipeline": SMALL}], "seeds": [0]}
    kept = {"features": {"folder": str(tmp_path / "kept")}}
    (first,) = run(suite(**changes, **kept), tmp_path / "first").values()
    count = len(passes)
    (second,) = run(suite(**changes, **kept), tmp_path / "second").values()
    assert len(passes) == count > 0 and outcome(first) == outcome(second)
    test = stripes / "stripes" / "test"
    (test / "good" / "000.png").write_bytes((test / "good" / "001.png").read_bytes())
    (changed,) = run(suite(**changes, **kept), tmp_path / "third").values()
    (apart,) = run(suite(**changes), tmp_path / "fourth").values()  # a single cell, which shares nothing
    assert outcome(changed) == outcome(apart) != outcome(first)


@pytest.fixture
def loco(stripes, random):
    """The stripes in the layout of MVTec LOCO AD, whose defect is found when a tenth of it is."""
    folder = stripes.parent / "loco"
    kind = {"defect_name": "spot", "pixel_value": 255, "saturation_threshold": 0.1}
    for split, names in (("train/good", range(6)), ("test/good", range(2)), ("test/logical_anomalies", "01")):
        (folder / split).mkdir(parents=True)
        for name in names:
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / split / f"00{name}.png")
    for name in "01":
        truth = folder / "ground_truth" / "logical_anomalies" / f"00{name}"
        truth.mkdir(parents=True)
        Image.fromarray(np.pad(np.full((9, 9), 255, np.uint8), (8, 15))).save(truth / "000.png")
    (folder / "defects_config.json").write_text(json.dumps([kind | {"relative_saturation": True}]))
    return {"class_path": "mvtec_loco", "init_args": {"root": str(folder.parent), "category": "loco"}}


def test_cells_that_share_are_told_each_defect(suite, loco, tmp_path, in_this_process):
    changes = {"datasets": [loco], "metrics": ["spro"], "batch_size": 5}
    shared = run(suite(**changes), tmp_path / "shared")
    apart = run(suite(**changes, features={"most_gb": 0}), tmp_path / "apart")
    assert len(shared) == 2
    assert [one.metrics for one in shared.values()] == [one.metrics for one in apart.values()]


def test_only_cells_of_quality_alone_share_and_only_with_others(suite, tmp_path):
    planned = Suite.read(suite(seeds=[0, 1])).planned
    kept, none = FeatureArguments(folder=str(tmp_path / "kept")), FeatureArguments(most_gb=0)

    def shares(cells, features=FeatureArguments(), **changes):  # noqa: B008
        cells = [replace(one, cell=replace(one.cell, **changes)) for one in cells]
        with sharing(cells, features, tmp_path) as found:
            (shelf,) = {found.shelf_of(one) for one in cells}
        return shelf is not None

    assert shares(planned) and not shares(planned[:1]) and shares(planned[:1], kept)
    assert not shares(planned, none)
    for measure in (("quality", "time"), ("quality", "memory"), ("time",), ("memory",)):
        assert not shares(planned, measure=measure) and not shares(planned, kept, measure=measure)


def test_what_no_cell_needs_any_more_is_removed_at_once(suite, tmp_path):
    planned = Suite.read(suite(seeds=[0, 1])).planned
    with sharing(planned, FeatureArguments(), tmp_path) as found:
        folder = Path(found.shelf_of(planned[0]).folder)
        folder.mkdir()
        found.finish(planned[0].key)
        found.finish("of a cell that shares nothing")
        assert folder.exists() and found.shelf_of(planned[1]).most_bytes <= 16e9
        found.finish(planned[1].key)
        assert not folder.exists() and folder.parent.exists()
    assert not folder.parent.exists()
    (tmp_path / "file").touch()
    arguments = FeatureArguments(folder=str(tmp_path / "file" / "below"))
    with pytest.raises(BadOutput, match=r"features\.folder"), sharing(planned, arguments, tmp_path):
        pass


@pytest.mark.parametrize(
    ("features", "message"),
    [({"most_gb": -1}, "most_gb"), ({"most": 1}, "most"), ([], "features"), ({"most_gb": None}, "no value")],
)
def test_room_for_features_that_cannot_be_is_refused(suite, features, message):
    with pytest.raises(BadConfig, match=message):
        Suite.read(suite(features=features))


def shared(backbone, store, layers=("layer1",)):
    settings = {"class_path": "timm", "init_args": {"layers": list(layers)}}
    return SharedBackbone(backbone, store, Identity.of(backbone, settings, []))


def same(one, other):
    """Bit for bit, and in the same order in memory."""
    tensors = [[*each.maps.items(), ("descriptor", each.descriptor)] for each in (one, other)]
    return all(
        name == name2 and (a is b or (torch.equal(a, b) and a.stride() == b.stride()))
        for (name, a), (name2, b) in zip(*tensors, strict=True)
    )


def test_layers_of_one_network_are_shared(store, generator, monkeypatch):
    model = {"model": "test_resnet.r160_in1k", "weights": "none"}
    images = torch.rand(3, 3, 64, 64, generator=generator).contiguous(memory_format=torch.channels_last)
    both, deep = Timm(layers=["layer1", "layer3"], **model), Timm(layers=["layer3"], **model)
    expected = [backbone.extract(images) for backbone in (both, deep)]
    assert same(shared(both, store(), ["layer1", "layer3"]).extract(images), expected[0])
    written = []
    monkeypatch.setattr(FeatureStore, "put", lambda _, key, array: written.append(key.split()[0]))
    assert same(shared(deep, store(), ["layer3"]).extract(images), expected[1])
    assert "layout" in written  # which nobody knew, so that this batch was computed
    monkeypatch.undo()
    shared(deep, store(), ["layer3"]).extract(images)
    monkeypatch.setattr(Timm, "extract", None)
    assert same(shared(deep, store(), ["layer3"]).extract(images), expected[1])


class Mixed(Backbone):
    """Its maps depend on which layers are asked for, though it says that they do not."""

    selects = ("layers",)

    def __init__(self, layers: list[str]) -> None:
        self.layers = layers

    def extract(self, images):
        return Features({name: images * len(self.layers) for name in self.layers}, images.mean((2, 3)))

    def to(self, device):
        pass


def test_a_wrong_promise_about_layers_does_no_harm(store, generator):
    images = torch.rand(2, 3, 8, 8, generator=generator)
    for layers in (["a"], ["a", "b"], ["b"], ["a"], ["a", "b"], ["b"]):
        backbone = Mixed(layers)
        assert same(shared(backbone, store(), layers).extract(images), backbone.extract(images))


def test_a_promise_about_layers_counts_only_when_it_was_looked_at(store, generator):
    first, later = (torch.rand(2, 3, 8, 8, generator=generator) for _ in range(2))
    one, both = Mixed(["a"]), Mixed(["a", "b"])
    # With the first images of the second, as of other variants, there is nothing to compare.
    for backbone, images in ((one, later), (both, first), (both, later), (one, later)):
        assert same(shared(backbone, store(), backbone.layers).extract(images), backbone.extract(images))


class Halves(Mixed):
    def extract(self, images):
        return Features({name: images.bfloat16() for name in self.layers})


def test_maps_that_no_file_can_hold_are_computed_each_time(store, generator):
    images, backbone = torch.rand(2, 3, 8, 8, generator=generator), Halves(["a"])
    for _ in range(2):
        assert same(shared(backbone, store(), ["a"]).extract(images), backbone.extract(images))


def test_where_nothing_can_be_written_all_is_computed(store, generator, tmp_path, passes):
    (tmp_path / "shelves").touch()  # in place of a folder
    images = torch.rand(2, 3, 32, 32, generator=generator)
    for _ in range(2):
        assert same(shared(FilterBank(1, 2), store()).extract(images), FilterBank(1, 2).extract(images))
    assert passes == [2] * 4


def test_two_that_need_the_same_maps_compute_them_once(store, generator, passes):
    images = torch.rand(2, 3, 32, 32, generator=generator)
    threads = [
        threading.Thread(target=shared(FilterBank(1, 2), store()).extract, args=[images]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passes == [2]


def test_other_weights_threads_and_orders_in_memory_are_other_maps(store, generator):
    images = torch.rand(2, 3, 64, 64, generator=generator)
    model = {"model": "test_resnet.r160_in1k", "layers": ["layer1"], "weights": "none"}
    backbone = Timm(**model)
    settings = {"class_path": "timm", "init_args": model}
    one = Identity.of(backbone, settings, {"threads": 1})
    assert one == Identity.of(Timm(**model), settings, {"threads": 1})
    assert one.layers != Identity.of(backbone, settings, {"threads": 2}).layers
    state = backbone.state_dict()
    backbone.load_state_dict({name: tensor + 1 for name, tensor in state.items()})
    assert one.layers != Identity.of(backbone, settings, {"threads": 1}).layers
    first = SharedBackbone(FilterBank(1, 2), store(), one)
    first.extract(images)
    other = SharedBackbone(FilterBank(2, 2), store(), one)  # no cell has it: it would be other settings
    assert set(other.extract(images).maps) == {"scale1"}
    assert set(other.extract(images.contiguous(memory_format=torch.channels_last)).maps) > {"scale1"}


class Spoilt(Backbone):
    def extract(self, images):
        return Features({"only": torch.full((len(images), 2, 4, 4), torch.nan)})

    def to(self, device):
        pass


def test_an_error_about_features_names_the_backbone_that_computed_them(store, generator):
    backbone = SharedBackbone(Spoilt(), store(), Identity("whole", "layers"))
    pipeline = Pipeline(backbone=backbone, reducer=IdentityReducer(), density=Gaussian())
    with pytest.raises(BadFeatures, match=r'^Spoilt returned NaN .* "only"'):
        pipeline.fit([Batch(torch.rand(2, 3, 32, 32, generator=generator), ("a", "b"))])


def test_images_that_are_decoded_otherwise_are_other_images(tmp_path, monkeypatch):
    file = tmp_path / "lens.yaml"
    file.write_text("one")
    settings = {"data": {"class_path": "mvtec"}, "pipeline": {"preprocessing": {"roi": str(file)}}}
    known = [decoding_of(settings, {"torch": 1}), decoding_of(settings, {"torch": 2})]
    assert decoding_of(settings, {"torch": 1}) == known[0]
    file.write_text("two")
    known += [decoding_of(settings, {"torch": 1}), decoding_of(settings | {"pipeline": {}}, {"torch": 1})]
    monkeypatch.setattr("PIL.__version__", "0")
    known.append(decoding_of(settings, {"torch": 1}))
    monkeypatch.setattr("padimkit.benchmark.running.shared_images.versions_named", lambda _: {"mine": "2"})
    known.append(decoding_of(settings, {"torch": 1}))
    assert len(set(known)) == 6


@pytest.mark.parametrize("masked", [True, False])
def test_shared_images_are_those_that_are_decoded(store, stripes, masked):
    samples = MVTec(stripes, "stripes").test() if masked else MVTec(stripes, "stripes").train()
    batches = Reader(Preprocessing(32, 28), batch_size=3, workers=0).batches(samples)
    images = SharedImages(batches, store(), "test")
    expected = list(batches)
    next(iter(images))  # a loop that ends early has kept one batch
    for found in (list(images), list(images)):
        assert len(found) == len(expected) == len(images)
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one.images, other.images) and one.images.stride() == other.images.stride()
            assert torch.equal(one.labels, other.labels) and torch.equal(one.masks, other.masks)
            assert (one.paths, one.files, one.defects) == (other.paths, other.files, None)
    assert images.images == len(images.samples) == len(samples)


def test_batches_that_are_removed_meanwhile_are_decoded_again(store, stripes):
    batches = Reader(Preprocessing(32, 28), 3, 0).batches(MVTec(stripes, "stripes").test())
    images = SharedImages(batches, store(), "test")
    assert len(list(images)) == 3
    loop = iter(images)
    found = [next(loop)]
    for path in Path(store().shelf.folder).glob("*.npy"):
        path.unlink()
    found += loop
    assert all(torch.equal(a.images, b.images) for a, b in zip(found, batches, strict=True))


@pytest.mark.parametrize("shape", [(3, 4), (0,), (), (0, 2)])
def test_a_kept_array_comes_back_and_nobody_can_change_it(store, random, shape):
    array = random.normal(size=shape).astype(np.float32)
    store().put("key", array)
    found = store().get("key")
    assert found.dtype == array.dtype and np.array_equal(found, array) and found.shape == shape
    found += 1
    assert np.array_equal(store().get("key"), array)
    assert store().get("other") is None and "other" not in store() and "key" in store()


def test_a_damaged_array_is_none(store):
    store().put("key", np.arange(100.0))
    (path,) = Path(store().shelf.folder).glob("*.npy")
    content = bytearray(path.read_bytes())
    for damaged in (bytes(len(content)), content[:-200], content[:500] + b"\1" + content[501:], b""):
        path.write_bytes(damaged)
        assert store().get("key") is None


def test_the_oldest_arrays_make_room_but_none_that_this_process_has_used(store):
    limit = 10_000
    first = store("first", limit)
    for number in range(4):
        first.put(str(number), np.zeros(2000, np.uint8))
    assert first.get("0") is not None
    second = store("second", limit)
    second._since += 1  # as of a later process
    for number in range(3):
        second.put(str(number), np.zeros(2000, np.uint8))
    assert [str(number) in first for number in range(4)] == [True, False, False, False]
    assert all(str(number) in second for number in range(3))
    taken = sum(path.stat().st_size for path in Path(first.shelf.folder).parent.rglob("*.npy"))
    assert taken <= limit


def test_a_loop_over_more_than_there_is_room_for_keeps_its_first_arrays(store):
    loop = store(most_bytes=10_000)
    for number in range(20):
        loop.put(str(number), np.zeros(2000, np.uint8))
    assert [str(number) in loop for number in range(20)] == [True] * 4 + [False] * 16
    with loop.one_at_a_time(), loop.one_at_a_time():  # nobody waits where nothing is kept
        pass
