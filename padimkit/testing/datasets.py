"""Checks of data sources, which read the data some fifty times: give them little."""

from collections import Counter

import numpy as np

from padimkit.contracts import DataSource
from padimkit.images.sample import Sample
from padimkit.testing import contents, elsewhere, imports, manners, masks, parts, samples
from padimkit.testing.answers import DataSet, Result, Usage, nothing_to_fit
from padimkit.testing.check import Make, NotApplicable, checks, checks_with, require
from padimkit.testing.samples import OTHER_READER, READER, SUBSETS, listed_by, pooled, read


def train_holds_two_normal_images(make: Make) -> None:
    """There are at least two images to learn from; none is labelled anomalous or has a marked mask."""
    found = listed_by(make(), "train")
    require(len(found) >= 2, f"Expected at least 2 train images, found {len(found)}.")
    anomalous = [str(sample.path) for sample in found if sample.anomalous or _marked(sample)]
    require(not anomalous, f"Expected normal train images only, found others: {', '.join(anomalous[:3])}.")


def labels_are_of_both_kinds(make: Make) -> None:
    """Every test image is labelled True or False, and there are normal and anomalous ones."""
    labels = [sample.anomalous for sample in listed_by(make(), "test")]
    others = {str(label) for label in labels if not isinstance(label, bool)}
    require(not others, f"Expected True or False for each test image, found {', '.join(sorted(others))}.")
    anomalous = sum(map(bool, labels))
    found = f"{len(labels) - anomalous} normal and {anomalous} anomalous"
    require(0 < anomalous < len(labels), f"Expected normal and anomalous test images, found {found}.")


def masks_fit_images_and_labels(make: Make) -> None:
    """Masks, if any, belong to all anomalous images, are of their size, mark them and no normal image."""
    test = listed_by(make(), "test")
    if all(sample.mask is None for sample in test):
        raise NotApplicable("Its test images have no masks.")
    lacking = [str(sample.path) for sample in test if sample.anomalous and sample.mask is None]
    require(not lacking, f"Expected masks of all anomalous images or of none, found none of {lacking[:3]}.")
    for sample in test:
        size, expected = _mask_size(sample), sample.open(sample.path).size
        require(
            size in (None, expected),
            f'Expected a mask of {expected} pixels for "{sample.path}", as its image has, found {size}.',
        )
    wrong = [str(sample.path) for sample in test if sample.anomalous is False and _marked(sample)]
    require(not wrong, f"Expected empty masks of normal images, found others: {', '.join(wrong[:3])}.")
    marked = [_marked(sample) for sample in test if sample.anomalous]
    empty = 1 - sum(marked) / max(len(marked), 1)
    require(not empty > 0.5, f"Expected masks that mark the anomalies, found {empty:.0%} of them empty.")


def each_image_has_its_own_path(make: Make) -> None:
    """No two images of a subset have the same path."""
    source = make()
    for subset in SUBSETS:
        counts = Counter(str(sample.path) for sample in listed_by(source, subset))
        twice = [path for path, count in counts.items() if count > 1]
        require(not twice, f"Expected {subset} paths to differ, found some twice: {', '.join(twice[:3])}.")


def train_and_test_share_no_image(make: Make) -> None:
    """Train and test images have no path in common."""
    source = make()
    train, test = ({str(sample.path) for sample in listed_by(source, subset)} for subset in SUBSETS)
    shared = sorted(train & test)
    found = f"{len(shared)}: {', '.join(shared[:3])}"
    require(not shared, f"Expected no image in both train and test, found {found}.")


def _mask_size(sample: Sample) -> tuple[int, int] | None:
    return None if sample.mask is None else sample.open_mask(sample.mask).size


def _marked(sample: Sample) -> bool:
    return sample.mask is not None and bool(np.asarray(sample.open_mask(sample.mask)).any())


def _apply(source: DataSource, data: DataSet) -> Result:
    reader = READER if data == "first" else OTHER_READER
    return {
        f"{name} of {subset}": tensor
        for subset in SUBSETS
        for name, tensor in pooled(read(source, subset, reader)).items()
    }


_USAGE = Usage(nothing_to_fit, _apply)

DATASET_CHECKS = (
    *checks(
        DataSource,
        samples.lists_samples,
        samples.pictures_are_rgb_bytes,
        samples.pictures_are_not_black,
        samples.can_be_listed_again,
        samples.can_be_opened_again,
        samples.order_does_not_matter,
        samples.threads_do_not_matter,
        train_holds_two_normal_images,
        labels_are_of_both_kinds,
        masks_fit_images_and_labels,
        each_image_has_its_own_path,
        train_and_test_share_no_image,
        contents.train_and_test_share_no_picture,
        contents.pictures_are_not_listed_twice,
        contents.normal_folders_hold_normal_images,
        contents.masks_mark_the_anomalies,
        masks.masks_lie_where_images_differ,
        contents.making_it_reads_nothing,
        manners.arguments_have_names,
        imports.import_leaves_the_program_alone,
    ),
    *checks_with(
        DataSource,
        _USAGE,
        parts.keeps_its_arguments,
        parts.same_arguments_give_the_same_result,
        parts.another_seed_gives_another_result,
        parts.leaves_global_random_state_alone,
        parts.repeats_itself,
        manners.leaves_the_program_alone,
        manners.writes_nothing_unasked,
        manners.no_results_are_kept,
        elsewhere.other_processes_give_the_same,
        parts.can_be_pickled,
    ),
)
