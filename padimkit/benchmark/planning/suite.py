"""A suite: the cells that its file describes, all of them checked, and the entries that are left out."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, final

from padimkit.benchmark.cell import EMBEDDINGS, Cell, Facts, FeatureArguments, Limits, Planned
from padimkit.benchmark.planning.entries import Data, Method
from padimkit.benchmark.planning.fingerprint import facts_of, facts_of_drawn, files_named
from padimkit.benchmark.planning.places import Places, folders_of
from padimkit.benchmark.planning.presence import LeftOut, present
from padimkit.benchmark.planning.promise import promised_rate
from padimkit.benchmark.planning.ranges import check_suite
from padimkit.benchmark.planning.suite_file import Engine, SuiteFile
from padimkit.benchmark.planning.variants import (
    Place,
    Variant,
    drawn_of,
    places_of,
    title,
    variants_of,
)
from padimkit.benchmark.record import FALSE_ALARMS, MISSES
from padimkit.benchmark.seeds import depends_on_seed, with_seed
from padimkit.config.build import instantiate, instantiate_learners, resolved, resolved_learners
from padimkit.config.class_paths import Expansion
from padimkit.config.description import versions_named
from padimkit.config.names import labels
from padimkit.contracts import Backbone, NeedsWeights
from padimkit.errors import BadConfig, BadWeights, PadimkitError

_KEYS = ("pipeline", "data", "metrics", "seed", "device", "batch_size", "workers")


@final
@dataclass(frozen=True)
class Suite:
    """The cells to run.

    Args:
        name: Its name in records and reports.
        planned: All cells; those of the same data follow each other.
        left_out: Entries of the file that are not run, such as those whose files are missing.
        limits: Of each cell.
        engine: For cells whose time is not measured.
        features: The room for features that cells share.
    """

    name: str
    planned: tuple[Planned, ...]
    left_out: tuple[LeftOut, ...]
    limits: Limits
    engine: Engine
    features: FeatureArguments

    @classmethod
    def read(cls, path: Path, *, trust: bool = False) -> "Suite":
        """Return the suite in a file, with every name, key and path checked.

        Args:
            path: The file.
            trust: Also import classes that are not installed plugins; their code runs, here and in cells.

        Raises:
            BadConfig: Something is wrong, or such a class is named; file and key are named, and near misses.
        """
        file = SuiteFile.read(path)
        if file.search is not None:
            raise BadConfig(f'"{path}" has "search", which is run by: padimkit search {path}')
        try:
            return cls.of(file, trust=trust)
        except PadimkitError as error:
            raise BadConfig(f'"{path}": {error}') from error

    @classmethod
    def of(cls, file: SuiteFile, *, trust: bool = False) -> "Suite":
        """Return the suite of a file that has been read, as `read` does.

        Raises:
            PadimkitError: Something is wrong; key and near misses are named.
        """
        methods, without_methods = present(file.pipelines, title)
        datasets, without_data = (
            ([], ()) if file.embeddings else present(file.datasets, lambda data: data.title)
        )
        planned = tuple(_Planner(file, trust=trust).plan(methods, datasets))
        memory = None if file.memory_limit is None else 1e9 * file.memory_limit
        limits = Limits(file.timeout, memory, file.threads)
        return cls(file.name, planned, (*without_methods, *without_data), limits, file.engine, file.features)


class _Planner:
    """A maker of the cells of a file, which reads data and files that cells share only once."""

    def __init__(self, file: SuiteFile, *, trust: bool) -> None:
        self._file = file
        self._trust = trust
        self._facts: dict[str, tuple[Facts, frozenset[Path]]] = {}
        self._places = Places()
        self._files: dict[str, str] = {}
        self._settings: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._data: dict[str, Any] = {}
        self._sound: set[tuple[Any, ...]] = set()
        check_suite(file)

    def plan(self, methods: Sequence[Method], datasets: Sequence[Data]) -> Iterator[Planned]:
        vary, count = self._file.vary, self._file.train_images
        variants = [
            variant for method in methods for variant in variants_of(method, vary, count, trust=self._trust)
        ]
        places = [place for data in datasets for place in places_of(data)]
        titles: set[str] = set()
        works: dict[str, str] = {}
        found = self._drawn(variants) if self._file.embeddings else self._placed(variants, places)
        for planned in found:
            title = planned.cell.title
            if title in titles:
                raise BadConfig(f'"{title}" is listed twice. Give its pipelines different names.')
            titles.add(title)
            twin = works.setdefault(planned.key, title)
            if twin != title:
                raise BadConfig(f'"{title}" is "{twin}" under another name. Leave one out.')
            yield planned

    def _placed(self, variants: Sequence[Variant], places: Sequence[Place]) -> Iterator[Planned]:
        for place in places:
            for variant in variants:
                for cell in self._cells(variant, place):
                    planned = Planned(cell, self._facts_of(cell))
                    promised_rate(cell, planned.facts)  # refuses one that cannot be promised
                    yield planned

    def _drawn(self, variants: Sequence[Variant]) -> Iterator[Planned]:
        """Yield cells over drawn embeddings; a line, along which one quantity is varied, at a time."""
        for variant in variants:
            drawn, overrides = drawn_of(variant, self._file.embeddings)
            expansion = Expansion(self._trust, variant.known)
            try:
                settings = resolved_learners(variant.settings["pipeline"] or {}, overrides, expansion)
                instantiate_learners(settings)
            except PadimkitError as error:
                raise BadConfig(f'"{variant.name}": {error}') from error
            settings |= {EMBEDDINGS: asdict(drawn), "batch_size": self._file.batch_size}
            for seed in variant.seeds or self._file.seeds:
                cell = Cell(
                    suite=self._file.name,
                    method=variant.name,
                    dataset=EMBEDDINGS,
                    category="",
                    seed=seed,
                    settings=with_seed(settings, seed, data=False),
                    measure=tuple(self._file.measure),
                    repeats=self._file.repeats,
                    varied=variant.varied,
                    versions=versions_named(settings),
                )
                yield Planned(cell, facts_of_drawn(drawn))

    def _cells(self, variant: Variant, place: Place) -> Iterator[Cell]:
        settings = self._resolved(variant, place)
        self._require_sound(variant, settings)
        versions, seen = versions_named(settings), list[Any]()
        drawn = self._file.draw_train_images and variant.train_images is not None
        seeded = drawn or depends_on_seed(settings, data=place.seeded)
        for seed in variant.seeds or self._file.seeds:
            own = with_seed(settings, seed, data=place.seeded)
            deciding = own["pipeline"], own["data"], seed if drawn else None
            if deciding in seen:  # nothing in it has a seed: all runs would be equal
                continue
            seen.append(deciding)
            yield Cell(
                suite=self._file.name,
                method=variant.name,
                dataset=place.dataset,
                category=place.category,
                group=place.group,
                seed=seed,
                settings=own,
                measure=tuple(self._file.measure),
                repeats=self._file.repeats,
                train_images=variant.train_images,
                drawn=drawn,
                seeded=seeded,
                varied=variant.varied,
                calibration=self._file.calibration,
                versions=versions,
                processes=self._file.processes,
            )

    def _require_sound(self, variant: Variant, settings: dict[str, Any]) -> None:
        """Refuse values out of range and missing weights before anything runs."""
        if variant.identity not in self._sound:
            pipeline = instantiate(settings).pipeline
            _require_weights(pipeline.backbone, variant.name)
            pipeline.to(self._file.device)
            self._sound.add(variant.identity)

    def _resolved(self, variant: Variant, place: Place) -> dict[str, Any]:
        """Return all settings; a variant and a place are resolved once, not once for each pair of them."""
        where = json.dumps(place.settings, sort_keys=True, default=str)
        if variant.identity not in self._settings:
            self._settings[variant.identity] = self._whole(variant, place)
            self._data.setdefault(where, self._settings[variant.identity]["data"])
        if where not in self._data:
            self._data[where] = self._whole(variant, place)["data"]
        return self._settings[variant.identity] | {"data": self._data[where]}

    def _whole(self, variant: Variant, place: Place) -> dict[str, Any]:
        file = self._file
        own = {key: getattr(file, key) for key in ("device", "batch_size", "workers")}
        metrics = {"metrics": file.metrics} if file.metrics else {}
        settings = {**variant.settings, **own, **metrics, "data": place.settings}
        try:
            found = resolved(settings, variant.overrides, Expansion(self._trust, variant.known))
        except PadimkitError as error:
            raise BadConfig(f'"{variant.name}" on "{place.dataset}": {error}') from error
        found = {key: found[key] for key in _KEYS if key in found}
        taken = {FALSE_ALARMS, MISSES}.intersection(labels(found["metrics"]))
        if file.calibration is not None and taken:
            named = " and ".join(sorted(taken))
            raise BadConfig(f'"metrics" has {named}, and so has "calibration". Leave one of them out.')
        return found

    def _facts_of(self, cell: Cell) -> Facts:
        key = json.dumps(cell.settings["data"], sort_keys=True)
        if key not in self._facts:
            data = instantiate(cell.settings).data
            self._facts[key] = facts_of(data), folders_of([*data.train(), *data.test()])
        named = json.dumps(with_seed(cell.settings, 0, data=False)["pipeline"], sort_keys=True)
        if named not in self._files:
            self._files[named] = files_named(cell.settings["pipeline"])
        facts, told = self._facts[key]
        return replace(facts, files=self._files[named], places=self._places.of_cell(cell.settings, told))


def _require_weights(backbone: Backbone, name: str) -> None:
    try:
        if isinstance(backbone, NeedsWeights):
            backbone.require_weights()
    except BadWeights as error:
        raise BadConfig(
            f'"{name}": {error} If the file may be missing, list it under "if_present", which then leaves '
            "the method out."
        ) from error
