"""Batches of images that are decoded and resized once, by whichever cell reads them first."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final

import numpy as np
import PIL
import torch

from padimkit.benchmark.planning.fingerprint import files_named
from padimkit.benchmark.running.feature_store import FeatureStore
from padimkit.config.description import versions_named
from padimkit.images.augmentation import Augmentable, Augmentation
from padimkit.images.preprocessing import as_images
from padimkit.images.reader import ImageBatches
from padimkit.images.sample import Sample
from padimkit.images.selection import Chosen, Selectable
from padimkit.values import Batch


def decoding_of(settings: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    """Return a digest of what decodes and changes the images of a cell: settings, files, versions, machine.

    Raises:
        BadData: A file that the settings name cannot be read.
    """
    deciding = settings["data"], settings["pipeline"].get("preprocessing")
    known = [deciding, files_named(list(deciding)), versions_named(deciding), environment, PIL.__version__]
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:32]


def shared_images(batches: ImageBatches, store: FeatureStore, name: str) -> "ImageBatches | SharedImages":
    """Return the batches as shared ones; as they are if their data set tells defects, which are not kept."""
    if any(sample.defects for sample in batches.samples):
        return batches
    return SharedImages(batches, store, name)


@final
class SharedImages(Augmentable, Selectable):
    """Batches of which those that the store does not have are decoded.

    Variants of images, and some of them, are decoded anew.

    Args:
        batches: Decode them; of images whose defects are not told apart.
        store: Keeps them, for batches of the same data, preprocessing and size only.
        name: Tells training from test images in the store.
    """

    def __init__(self, batches: ImageBatches, store: FeatureStore, name: str) -> None:
        self.batches = batches
        self.store = store
        self.name = name

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The images, undecoded."""
        return self.batches.samples

    @property
    def images(self) -> int:
        """The number of images."""
        return self.batches.images

    def augmented(self, augmentation: Augmentation) -> Iterable[Batch]:
        """Return batches of variants of the images."""
        return self.batches.augmented(augmentation)

    def only(self, chosen: Chosen) -> Iterable[Batch]:
        """Return batches of the chosen images."""
        return self.batches.only(chosen)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        missing = {number for number in range(len(self)) if self._key(number) not in self.store}
        decoded = iter(self._numbered(missing))
        for number in range(len(self)):
            batch = next(decoded) if number in missing else self._kept(number)
            if batch is None:  # it was there a moment ago
                (batch,) = self._numbered({number})
            if number in missing:
                self._keep(number, batch)
            yield batch

    def _numbered(self, numbers: set[int]) -> Iterable[Batch]:
        size = self.batches.reader.batch_size
        return self.batches.only(lambda image: image // size in numbers)

    def _kept(self, number: int) -> Batch | None:
        pixels, masks = (self.store.get(key) for key in (self._key(number), self._key(number, "masks")))
        if pixels is None or masks is None:
            return None
        size = self.batches.reader.batch_size
        samples = self.samples[number * size : (number + 1) * size]
        known = [sample.anomalous for sample in samples if sample.anomalous is not None]
        return Batch(
            images=as_images(pixels),
            paths=tuple(str(sample.path) for sample in samples),
            files=tuple(sample.file for sample in samples),
            labels=torch.tensor(known) if len(known) == len(samples) else None,
            masks=torch.from_numpy(masks) if len(masks) else None,
        )

    def _keep(self, number: int, batch: Batch) -> None:
        pixels = (batch.images * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        if not torch.equal(as_images(pixels), batch.images):
            return
        masks = np.empty(0, bool) if batch.masks is None else batch.masks.numpy()
        self.store.put(self._key(number, "masks"), masks)
        self.store.put(self._key(number), pixels)

    def _key(self, number: int, kind: str = "pixels") -> str:
        return f"{kind} {self.name} {number} of {self.images}"
