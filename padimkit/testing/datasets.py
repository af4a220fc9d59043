"""The checks of the contract of data sources. They read the data some fifty times: give them little."""

from collections import Counter

import torch

from padimkit.contracts import DataSource
from padimkit.testing import batches, parts
from padimkit.testing.answers import Exercise, Material, Result, nothing_to_teach
from padimkit.testing.batches import OTHER_READER, READER, SUBSETS, WHOLE, paths_of, pooled, read
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require


def train_holds_two_normal_images(make: Make) -> None:
    """There are at least two images to learn from, and none is labelled or masked as anomalous."""
    known = pooled(read(make(), "train"))
    count = len(known["images"])
    require(count >= 2, f"Expected at least 2 train images, found {count}.")
    for name in ("labels", "masks"):
        anomalous = name in known and bool(known[name].any())
        require(not anomalous, f"Expected normal train images only, found {name} that are true.")


def labels_are_of_both_kinds(make: Make) -> None:
    """Every test image has a boolean label, and there are normal and anomalous ones."""
    batches = read(make(), "test")
    labels, images = pooled(batches).get("labels"), sum(len(batch.images) for batch in batches)
    if labels is None:
        require(False, f"Expected labels of {images} test images, found none.")
        return
    require(len(labels) == images, f"Expected labels of {images} test images, found {len(labels)}.")
    require(labels.dtype == torch.bool, f"Expected labels of torch.bool, found {labels.dtype}.")
    anomalous = int(labels.sum())
    found = f"{images - anomalous} normal and {anomalous} anomalous"
    require(0 < anomalous < images, f"Expected normal and anomalous test images, found {found}.")


def masks_fit_images_and_labels(make: Make) -> None:
    """Where there are masks: one for each image, of its size, empty for normal and not for anomalous ones."""
    batches = read(make(), "test", WHOLE)
    known = pooled(batches)
    if not known.keys() >= {"masks", "labels"}:
        raise NotApplicable("Its test images have no masks, or no labels.")
    masks, images, labels = known["masks"], known["images"], known["labels"].bool()
    expected = (len(images), *images.shape[2:])
    require(
        tuple(masks.shape) == expected and masks.dtype == torch.bool,
        f"Expected masks of shape {expected} and torch.bool, found {tuple(masks.shape)} and {masks.dtype}.",
    )
    marked = masks.any(2).any(1)
    wrong = [path for path, false in zip(paths_of(batches), marked & ~labels, strict=True) if false]
    require(not wrong, f"Expected empty masks of normal images, found others: {', '.join(wrong[:3])}.")
    empty = float((~marked[labels]).float().mean())  # a tiny defect may be lost when its mask is resized
    require(not empty > 0.5, f"Expected masks that mark what is anomalous, found {empty:.0%} to be empty.")


def each_image_has_its_own_path(make: Make) -> None:
    """There is one path for each image, and no two are the same."""
    source = make()
    for subset in SUBSETS:
        batches = read(source, subset)
        images, paths = sum(len(batch.images) for batch in batches), paths_of(batches)
        require(len(paths) == images, f"Expected {images} paths of {subset} images, found {len(paths)}.")
        twice = [path for path, count in Counter(paths).items() if count > 1]
        require(not twice, f"Expected {subset} paths to differ, found some twice: {', '.join(twice[:3])}.")


def train_and_test_share_no_image(make: Make) -> None:
    """No path is both trained and tested on."""
    source = make()
    shared = sorted({*paths_of(read(source, "train"))} & {*paths_of(read(source, "test"))})
    found = f"{len(shared)}: {', '.join(shared[:3])}"
    require(not shared, f"Expected no image to be trained and tested on, found {found}.")


def _ask(source: DataSource, material: Material) -> Result:
    reader = READER if material == "usual" else OTHER_READER
    return {
        f"{name} of {subset}": tensor
        for subset in SUBSETS
        for name, tensor in pooled(read(source, subset, reader)).items()
    }


_EXERCISE = Exercise(nothing_to_teach, _ask)

DATASET_CHECKS = (
    *checks(
        DataSource,
        batches.images_are_rgb_floats,
        batches.values_are_between_0_and_1,
        batches.images_have_the_size_of_the_crop,
        batches.batches_have_the_size_of_the_reader,
        batches.batch_size_does_not_matter,
        batches.threads_do_not_matter,
        batches.can_be_read_again,
        batches.loops_do_not_disturb_each_other,
        train_holds_two_normal_images,
        labels_are_of_both_kinds,
        masks_fit_images_and_labels,
        each_image_has_its_own_path,
        train_and_test_share_no_image,
    ),
    *checks_with(
        DataSource,
        _EXERCISE,
        parts.keeps_its_arguments,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        parts.can_be_pickled,
    ),
)
