"""Checks of recipes, the settings of a pipeline in a YAML file that a package brings.

Apart from the checks of parts, of which each is given fresh instances; a recipe is a file.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from re import match
from typing import Any, final

import numpy as np
import torch
from PIL import Image

from padimkit.config.build import build_pipeline, resolved
from padimkit.config.class_paths import Expansion, texts_of
from padimkit.config.description import describe, versions_named
from padimkit.config.yaml_file import read_yaml
from padimkit.contracts import NeedsWeights
from padimkit.errors import BadWeights, PadimkitError
from padimkit.files.packages import canonical, offered_files
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import GROUP, find_recipe
from padimkit.testing.check import Check, ContractViolation, Finding, NotApplicable, described, require
from padimkit.testing.program import fixed_random_state, one_thread, program_restored
from padimkit.testing.suite import Outcome

_OF_ITS_USERS = ("data", "output", "overwrite", "device", "workers", "trust")
_LEARNT, _SCORED = 50, 3  # images, at least as many as neighbours in recipes of SPADE
_ROUNDING = 1e-4  # of the largest value of a map, as for exported models
_PICTURE = (300, 400)  # height and width


@final
@dataclass(frozen=True)
class Recipe:
    """A recipe.

    Args:
        path: Its file.
        distribution: That which brings it; empty for a file of one's own.
    """

    path: Path
    distribution: str = ""

    @classmethod
    def named(cls, name: str) -> "Recipe":
        """Return the recipe of a name, or the file at a path.

        Raises:
            BadConfig: There is none, or there are several; near misses are named.
        """
        path = find_recipe(name)
        brought = [offer.distribution for file, offer in offered_files(GROUP) if file == path]
        return cls(path, next(iter(brought), ""))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings in the file."""
        return read_yaml(self.path)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The settings with all their defaults, for made-up data."""
        return resolved({"data": "synthetic"} | self.settings, {})

    @cached_property
    def fitted(self) -> Pipeline:
        """The pipeline, fitted on made-up pictures; arbitrary weights stand for those that are missing."""
        pipeline = build_pipeline(self.settings["pipeline"])
        if isinstance(pipeline.backbone, NeedsWeights):
            try:
                pipeline.backbone.require_weights()
            except BadWeights:
                pipeline.backbone.go_without_weights()
        return pipeline.fit(_pictures(_LEARNT, seed=0), progress=False, workers=0)


def settings_are_right(recipe: Recipe) -> None:
    """The file is YAML with a section `pipeline`, of which all keys, names and values are right."""
    found = recipe.settings.get("pipeline")
    require(isinstance(found, Mapping), f'Expected a section "pipeline", found {list(recipe.settings)}.')
    require(bool(recipe.resolved), "Expected settings, found none.")


def leaves_to_users_what_is_theirs(recipe: Recipe) -> None:
    """Data, output, device and threads are left to whoever uses the recipe."""
    found = [key for key in recipe.settings if key in _OF_ITS_USERS]
    require(not found, f"Expected no {', '.join(_OF_ITS_USERS)}, found {', '.join(found)}.")


def names_plugins_only(recipe: Recipe) -> None:
    """All classes are those of installed plugins, so that a stored model can be loaded without trust."""
    resolved({"data": "synthetic"} | recipe.settings, {}, Expansion(dotted=False))


def names_no_place_on_a_machine(recipe: Recipe) -> None:
    """No text is an absolute path, or the path of a file here, which others would lack."""
    found = [text for text in sorted(texts_of(recipe.settings)) if _is_place(text)]
    require(not found, f"Expected no paths of this machine, found {', '.join(found)}.")


def requires_what_it_names(recipe: Recipe) -> None:
    """Its distribution requires the distributions of all plugins that it names."""
    if not recipe.distribution:
        raise NotApplicable("It is a file that no distribution brings.")
    named = {canonical(name) for name in versions_named(recipe.resolved)}
    missing = sorted(named - _required(recipe.distribution))
    require(
        not missing,
        f"Expected {recipe.distribution} to require the plugins of {', '.join(missing)}. List them in the "
        "dependencies of pyproject.toml.",
    )


def learns_and_scores(recipe: Recipe) -> None:
    """The pipeline learns some pictures, and gives others finite scores and maps."""
    found = recipe.fitted.predict(_pictures(_SCORED, seed=1), progress=False, workers=0)
    finite = bool(found.image_scores.isfinite().all() and found.anomaly_maps.isfinite().all())
    require(finite, "Expected finite scores and maps, found NaN or infinity.")
    require(len(found) == _SCORED, f"Expected scores of {_SCORED} pictures, found {len(found)}.")


def its_pipeline_can_be_stored(recipe: Recipe) -> None:
    """Settings and state of the fitted pipeline make another one with the same maps, but for rounding.

    Not bit for bit: a density may sum up what waits in other portions for its state than for its scores.
    """
    pipeline = recipe.fitted
    settings = describe(pipeline)
    again = build_pipeline(deepcopy(settings), dotted=False)
    again.load_state_dict({name: tensor.clone() for name, tensor in pipeline.state_dict().items()})
    require(describe(again) == settings, f"Expected the settings {settings} again, found {describe(again)}.")
    expected, found = (
        one.predict(_pictures(_SCORED, seed=1), progress=False, workers=0) for one in (pipeline, again)
    )
    off = (found.anomaly_maps - expected.anomaly_maps).abs().max()
    largest = expected.anomaly_maps.abs().max()
    require(
        bool(off <= _ROUNDING * largest),
        f"Expected the same maps from a stored model, found values off by up to {off:.3g} where they reach "
        f"{largest:.3g}.",
    )


def recipe_outcomes(recipe: Recipe) -> Iterator[Outcome]:
    """Yield the outcome of each check of a recipe; where its settings are wrong, no other one is done."""
    wrong = False
    for check, function in RECIPE_CHECKS.items():
        if wrong:
            yield Outcome(check, "skipped", "Its settings are wrong.")
            continue
        try:
            with one_thread(), program_restored(), fixed_random_state():
                function(recipe)
        except NotApplicable as reason:
            yield Outcome(check, "skipped", str(reason))
        except Finding as finding:
            yield Outcome(check, "failed", str(finding))
        except PadimkitError as error:
            yield Outcome(check, "failed", str(error))
        except Exception as error:  # a stranger's plugin may raise anything
            yield Outcome(check, "failed", f"It raised {described(error)}")
        else:
            yield Outcome(check, "passed")
            continue
        wrong = function is settings_are_right


def check_recipe(name: str) -> None:
    """Do all checks of a recipe, by its name or as a YAML file.

    Raises:
        ContractViolation: The first check that fails.
        BadConfig: There is no such recipe.
    """
    for outcome in recipe_outcomes(Recipe.named(name)):
        if outcome.verdict == "failed":
            raise ContractViolation(name, outcome.check.name, outcome.reason)


def _check(function: Callable[[Recipe], None]) -> Check:
    lines = (function.__doc__ or "").splitlines()
    return Check(Recipe, function.__name__, lines[0], lambda make: function(make()))


RECIPE_CHECKS = {
    _check(function): function
    for function in (
        settings_are_right,
        leaves_to_users_what_is_theirs,
        names_plugins_only,
        names_no_place_on_a_machine,
        requires_what_it_names,
        learns_and_scores,
        its_pipeline_can_be_stored,
    )
}


def _is_place(text: str) -> bool:
    with suppress(OSError, ValueError):  # too long for a path, or with a null character
        return Path(text).is_absolute() or Path(text).is_file()
    return False


def _required(distribution: str) -> set[str]:
    """Return a distribution and those that it requires, by their canonical names."""
    try:
        listed = requires(distribution) or []
    except PackageNotFoundError:
        listed = []
    names = [found[0] for one in listed if (found := match(r"[\w.-]+", one))]
    return {canonical(name) for name in (distribution, *names)}


def _pictures(count: int, *, seed: int) -> list[Image.Image]:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 8, generator=generator)
    pixels = torch.nn.functional.interpolate(coarse, _PICTURE, mode="bicubic").clamp(0, 1)
    return [Image.fromarray(one.permute(1, 2, 0).mul(255).byte().numpy().astype(np.uint8)) for one in pixels]
