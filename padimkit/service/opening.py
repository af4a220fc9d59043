"""Models, stored, exported or in memory, opened for an inspector.

Apart from the inspector, which does not see which of them it has.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from padimkit.errors import BadArgument, NotCalibrated
from padimkit.inspection import model_name
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.exported.scorer import ExportedScorer
from padimkit.inspection.exported.session import Options, is_exported, open_session
from padimkit.inspection.seen import Scorer

if TYPE_CHECKING:
    from padimkit.pipeline.pipeline import Pipeline

    Model: TypeAlias = Path | str | Pipeline
else:
    Model = object  # a pipeline needs torch, which an exported model does without

Opened: TypeAlias = tuple[str | None, Calibration, Scorer, Any]


def open_model(model: Model, calibration: Calibration | None, options: Options, *, trust: bool) -> Opened:
    """Return name, calibration, scorer and pipeline of a model; an exported one has no pipeline.

    Raises:
        BadArgument, BadModel, NotCalibrated, NotFitted: As for `Inspector`.
    """
    if isinstance(model, str | Path) and is_exported(model):
        return _exported(Path(model).expanduser(), calibration, options)
    return _living(model, calibration, options, trust)


def _exported(path: Path, calibration: Calibration | None, options: Options) -> Opened:
    """Return the name, the calibration and the scorer of an exported model, and no pipeline."""
    _require_none(calibration)
    session = open_session(path, options)
    if session.card.calibration is None:
        raise NotCalibrated(
            f'"{path}" was exported without a calibration, so no verdict follows from its scores. Calibrate '
            "the model by padimkit calibrate, and export it again."
        )
    name = model_name.exported(session.card.digest, path, session.precision)
    return name, session.card.calibration, ExportedScorer(session), None


def _living(model: Model, calibration: Calibration | None, options: Options, trust: bool) -> Opened:
    """Return the name, the calibration, the scorer and the pipeline of a model that computes by torch."""
    # Imported here, since an exported model does without torch, which takes seconds to import.
    import torch

    from padimkit.inspection.intake import Intake
    from padimkit.storage import computes_in, load, load_calibration, model_digest

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if isinstance(model, str | Path):
        _require_none(calibration)
        known, name = load_calibration(model), model_digest(model)
        pipeline = load(model, device=options.device, trust=trust, precision=options.precision)
        if options.precision is not None and not computes_in(model, options.precision):
            name = model_name.in_another_precision(name, options.precision)
        return name, known, Intake(pipeline), pipeline
    if options.precision is not None:
        raise BadArgument('A pipeline computes as it was made: pass "precision" with a stored model only.')
    if calibration is None:
        raise NotCalibrated(
            "A pipeline gives no verdicts without a calibration. Pass padimkit.calibrate(pipeline, images), "
            "with the images of the fit."
        )
    return None, calibration, Intake(model), model


def _require_none(calibration: Calibration | None) -> None:
    if calibration is not None:
        raise BadArgument("A stored model has a calibration of its own: pass one with a pipeline only.")
