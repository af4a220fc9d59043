"""What a stored model knows beside its pipeline: its calibration, the images it has learnt, and its history.

Apart from the model, since a calibration is written anew where the model stays as it is.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from padimkit.errors import NotCalibrated
from padimkit.files import file_digest, new_folder
from padimkit.files.json_text import parsed_json
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.calibration_file import as_json, from_json
from padimkit.inspection.history import Step, from_plain
from padimkit.inspection.learnt import LearntImage, as_csv, from_csv
from padimkit.storage.manifest import (
    CALIBRATION,
    MANIFEST,
    NEEDED,
    TRAINING,
    load_manifest,
    place,
    read_manifest,
    text_of,
    write_file,
    write_manifest,
)


def save_calibration(
    calibration: Calibration, model: Path | str, folder: Path | str, *, overwrite: bool = False
) -> None:
    """Write a stored model with this calibration, in place of any that it had, into a folder.

    Args:
        calibration: The calibration; the images that it does not name are those of the model.
        model: The stored model.
        folder: The new folder, which may be that of the model.
        overwrite: Replace an earlier model.

    Raises:
        BadModel: The model cannot be read.
        BadOutput: The folder exists and `overwrite` is false, or cannot be written; nothing is left behind.
    """
    read_manifest(place(model))  # what is not a model is said before what is wrong with the folder
    with new_folder(place(folder), overwrite=overwrite, marker=MANIFEST) as staging:
        write_calibration(calibration, model, staging)


def write_calibration(calibration: Calibration, model: Path | str, folder: Path) -> None:
    """Write a stored model with this calibration, as `save_calibration` does, into an empty folder.

    Raises:
        BadModel: The model cannot be read.
    """
    load_manifest(model)
    learnt = calibration.images or load_learnt(model)
    for name in (*NEEDED, MANIFEST):
        shutil.copy2(place(model) / name, folder / name)
    add_calibration(folder, calibration, learnt)


def load_calibration(folder: Path | str) -> Calibration:
    """Return the calibration of a stored model.

    Raises:
        NotCalibrated: It has none.
        BadModel: A file is missing, altered or wrong; the message names it.
    """
    text = text_of(place(folder), CALIBRATION)
    if text is None:
        raise NotCalibrated(
            f'"{folder}" has no calibration, so no verdict follows from its scores. Run: '
            f"padimkit calibrate {folder} --data folder --data.normal FOLDER, with a folder of normal images."
        )
    return from_json(text, str(place(folder) / CALIBRATION), load_learnt(folder))


def load_learnt(folder: Path | str) -> tuple[LearntImage, ...]:
    """Return the images that a stored model has learnt, or none if it does not say.

    Raises:
        BadModel: A file is missing, altered or wrong; the message names it.
    """
    text = text_of(place(folder), TRAINING)
    return () if text is None else from_csv(text, str(place(folder) / TRAINING))


def load_history(folder: Path | str) -> tuple[Step, ...]:
    """Return the steps in which a stored model learnt images, or none if it does not say.

    Raises:
        BadModel: The manifest cannot be read.
    """
    return from_plain(read_manifest(place(folder)).get("history", []), str(place(folder) / MANIFEST))


def add_calibration(folder: Path, calibration: Calibration | None, learnt: Iterable[LearntImage]) -> None:
    """Add a calibration and the images that were learnt to the files of a model, as far as they are known."""
    texts = {} if calibration is None else {CALIBRATION: as_json(calibration)}
    if images := list(learnt):
        texts[TRAINING] = as_csv(images)
    manifest = parsed_json((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, text in texts.items():
        write_file(folder / name, text)
        manifest["sha256"][name] = file_digest(folder / name)
    write_manifest(manifest, folder)
