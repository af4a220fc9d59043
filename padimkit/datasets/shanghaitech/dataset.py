"""The data set of ShanghaiTech's campus, with normal videos to train on and frames of others to test on."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate, pairwise
from pathlib import Path
from typing import final

import numpy as np

from padimkit.arguments import require_seed, require_whole
from padimkit.arguments.checked import Checked
from padimkit.contracts import DataSource
from padimkit.datasets.shanghaitech.frames import (
    frames_in,
    labels_in,
    masks_in,
    of_scene,
    open_frame_mask,
    require_each,
    videos_in,
)
from padimkit.errors import BadArgument, BadData
from padimkit.images.sample import Sample

_MOST_FRAMES = 10**7

_TEST_DIGITS = 4  # as in 01_0014
_TRAIN_DIGITS = 3  # as in 01_001


@final
class ShanghaiTech(DataSource):
    """ShanghaiTech Campus (Luo, Liu and Gao 2017): 13 scenes, of which 1 to 12 have test videos.

    It reads `training/frames/01_001/000.jpg`, or `training/videos/01_001.avi` if no frames are extracted;
    `testing/frames/01_0014/000.jpg`; labels from `testing/test_frame_mask/01_0014.npy` and masks from
    `testing/test_pixel_mask/01_0014.npy`. Without a `test_pixel_mask` folder, frames have no masks.

    Args:
        root: The folder that holds `training` and `testing`.
        scene: The only scene to read, for one model per camera; all scenes if not given.
        train_every: Read every n-th frame of each training video, from the first one on.
        test_every: Read every n-th frame of each test video; 5 for mSTC.
        train_frames: Learn from this many training frames, drawn at random from those of all videos that are
            read; 5,000 in the protocol of orthoad (Kim et al. 2021), which the PaDiM paper's 37 GB for SPADE
            fit. All frames if not given.
        seed: Fixes the draw.
    """

    checked = Checked(excused={"another_seed_gives_another_result": "without train_frames nothing is drawn"})

    def __init__(
        self,
        root: Path,
        scene: int | None = None,
        train_every: int = 1,
        test_every: int = 1,
        train_frames: int | None = None,
        seed: int = 0,
    ) -> None:
        if min(train_every, test_every) < 1:
            raise BadArgument(
                f'Expected "train_every" and "test_every" of at least 1, got {train_every} and {test_every}.'
            )
        require_whole("train_every", train_every, 1, _MOST_FRAMES)
        require_whole("test_every", test_every, 1, _MOST_FRAMES)
        if train_frames is not None:
            require_whole("train_frames", train_frames, 1, _MOST_FRAMES)
        require_seed(seed)
        self.root = Path(root)  # without a type checker, people pass strings
        self.scene = scene
        self.train_every = train_every
        self.test_every = test_every
        self.train_frames = train_frames
        self.seed = seed

    def train(self) -> Sequence[Sample]:
        """List the frames of the training videos, video by video.

        Raises:
            BadData: A folder or file is missing or misnamed, the scene has no video, there are fewer frames
                than `train_frames`, or PyAV is missing.
            BadImage: A video cannot be opened.
        """
        folder = self._part("training")
        extracted, videos = folder / "frames", folder / "videos"
        if not extracted.is_dir() and not videos.is_dir():
            raise BadData(f'"{folder}" has neither a folder "frames" nor "videos". Expected one of them.')
        return self._extracted(extracted, videos) if extracted.is_dir() else self._decoded(videos)

    def test(self) -> Sequence[Sample]:
        """List the frames of the test videos, video by video.

        Raises:
            BadData: A folder or file is missing or misnamed, the scene has no test video, or the numbers of
                frames, labels and masks differ.
            BadImage: Labels or masks are not arrays of the expected shape.
        """
        folder = self._part("testing")
        frames = of_scene(videos_in(folder / "frames", digits=_TEST_DIGITS), self.scene)
        labels = self._labels(frames, folder / "test_frame_mask")
        masks = _masks(frames, folder / "test_pixel_mask")
        return [
            sample
            for name, path in frames.items()
            for sample in _test_samples(path, labels[name], masks.get(name))[:: self.test_every]
        ]

    def _part(self, name: str) -> Path:
        if not (self.root / name).is_dir():
            raise BadData(f'"{self.root}" has no folder "{name}". Expected "training" and "testing" in it.')
        return self.root / name

    def _extracted(self, folder: Path, videos: Path) -> list[Sample]:
        extracted = videos_in(folder, digits=_TRAIN_DIGITS)
        if videos.is_dir():
            names = videos_in(videos, digits=_TRAIN_DIGITS, suffix=".avi")
            advice = f'have no folder of frames in "{folder}". Extract them, or remove that folder.'
            require_each(names, extracted, missing=advice)
        frames = [frames_in(path) for path in of_scene(extracted, self.scene).values()]
        chosen = self._chosen([range(0, len(paths), self.train_every) for paths in frames])
        pairs = zip(frames, chosen, strict=True)
        return [Sample(paths[number], anomalous=False) for paths, numbers in pairs for number in numbers]

    def _decoded(self, folder: Path) -> list[Sample]:
        paths = of_scene(videos_in(folder, digits=_TRAIN_DIGITS, suffix=".avi"), self.scene)
        if find_spec("av") is None:
            raise BadData(
                f"Videos, as in \"{folder}\", need PyAV. Install it with: pip install 'padimkit[video]', "
                f'or extract their frames, such as "{folder.parent / "frames" / "01_001" / "000.jpg"}".'
            )
        from padimkit.datasets.shanghaitech.videos import (  # imports PyAV, which frames do not need
            Videos,
            frame_count,
        )

        counts = {path: frame_count(path) for path in paths.values()}
        chosen = self._chosen([range(0, count, self.train_every) for count in counts.values()])
        videos = Videos(counts, wanted=dict(zip(counts, chosen, strict=True)))
        return [Sample(path, anomalous=False, open=videos.open) for path in videos.paths()]

    def _chosen(self, numbers: Sequence[Sequence[int]]) -> list[Sequence[int]]:
        """Return the numbers of the frames of each video that are read."""
        if self.train_frames is None:
            return list(numbers)
        stops = list(accumulate(map(len, numbers), initial=0))
        if stops[-1] < self.train_frames:
            raise BadData(
                f'"train_frames" is {self.train_frames}, but there are {stops[-1]} training frames. Ask '
                'for at most as many, or lower "train_every".'
            )
        drawn = np.random.default_rng(self.seed).permutation(stops[-1])[: self.train_frames]
        drawn.sort()
        places = np.searchsorted(drawn, stops)
        return [
            [every[place - start] for place in drawn[first:last].tolist()]
            for every, start, (first, last) in zip(numbers, stops, pairwise(places), strict=False)
        ]

    def _labels(self, frames: dict[str, Path], folder: Path) -> dict[str, Path]:
        labels = videos_in(folder, digits=_TEST_DIGITS, suffix=".npy")
        require_each(frames, labels, missing=f'have frames but no labels in "{folder}". Add them.')
        # The frames come in two archives; one alone would give the metric values of half of the test set.
        advice = f'have labels but no frames beside "{folder}". Unpack all archives, or remove the labels.'
        require_each(of_scene(labels, self.scene), frames, missing=advice)
        return labels


def _masks(frames: dict[str, Path], folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    masks = videos_in(folder, digits=_TEST_DIGITS, suffix=".npy")
    advice = f'have no masks in "{folder}". Add them, or remove the folder to do without masks.'
    require_each(frames, masks, missing=advice)
    return masks


def _test_samples(folder: Path, labels: Path, masks: Path | None) -> list[Sample]:
    frames, anomalous = frames_in(folder), labels_in(labels)
    of_frames = [None] * len(frames) if masks is None else masks_in(masks)
    if not len(frames) == len(anomalous) == len(of_frames):
        third = "" if masks is None else f' and {len(of_frames)} masks in "{masks}"'
        raise BadData(
            f'There are {len(frames)} frames in "{folder}", {len(anomalous)} labels in "{labels}"{third}. '
            "Expected the same number of each."
        )
    # Normal frames have masks too: if labels and masks disagree, pixel metrics follow the masks alone.
    return [
        Sample(path, anomalous=label, mask=mask, open_mask=open_frame_mask)
        for path, label, mask in zip(frames, anomalous, of_frames, strict=True)
    ]
