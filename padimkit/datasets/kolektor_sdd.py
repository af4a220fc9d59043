"""KolektorSDD, surfaces of electrical commutators with cracks."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from padimkit.arguments import require_whole
from padimkit.contracts import DataSource
from padimkit.datasets._beside import normal_of, samples_in
from padimkit.errors import BadData
from padimkit.images.sample import Sample

_FOLDS = 3  # as many as its authors cross-validate over


@final
class KolektorSDD(DataSource):
    """KolektorSDD (Tabernik et al. 2019): 50 commutators of about eight views, of which 52 show a defect.

    It reads `kos01/Part0.jpg` and `kos01/Part0_label.bmp`. No split for learning from normal images alone was
    published: commutators are divided into three folds by their place in the order of names, so that no
    commutator is both learnt and tested, as in the authors' cross-validation, whose lists differ. The normal
    views of two folds are learnt, and all views of the third are tested.

    Args:
        root: The folder that holds `kos01` to `kos50`.
        fold: The fold that is tested, from 0 to 2.
    """

    def __init__(self, root: Path, fold: int = 0) -> None:
        require_whole("fold", fold, 0, _FOLDS - 1)
        self.root = Path(root).expanduser()  # without a type checker, people pass strings
        self.fold = fold

    def train(self) -> Sequence[Sample]:
        """List the normal views of the commutators in the other folds.

        Raises:
            BadData: There are fewer than three commutators, or a view has no mask.
        """
        folds = [number for number in range(_FOLDS) if number != self.fold]
        return normal_of(self._views(folds), self.root)

    def test(self) -> Sequence[Sample]:
        """List all views of the commutators in the fold.

        Raises:
            BadData: There are fewer than three commutators, or a view has no mask.
        """
        return self._views([self.fold])

    def _views(self, folds: Sequence[int]) -> list[Sample]:
        folders = sorted(path for path in self.root.glob("kos*") if path.is_dir())
        if len(folders) < _FOLDS:
            raise BadData(
                f'"{self.root}" holds {len(folders)} folders of commutators, such as "kos01". Expected at '
                f"least {_FOLDS}."
            )
        return [
            sample
            for number, folder in enumerate(folders)
            if number % _FOLDS in folds
            for sample in samples_in(folder, "{stem}_label.*", unmasked="refused")
        ]
