"""Exported models beside the models that they were made of."""

import io
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from zipfile import ZipFile

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from sklearn.decomposition import IncrementalPCA

from padimkit import (
    BadArgument,
    BadModel,
    BadOutput,
    BrokenPlugin,
    CannotExport,
    Exporter,
    FilterBank,
    Gaussian,
    Identity,
    Inspector,
    NotCalibrated,
    Pipeline,
    Pixels,
    Prediction,
    Preprocessing,
    Registry,
    ScikitLearn,
    UnknownPlugin,
    Verdict,
    export,
    load,
    load_calibration,
    save,
)
from padimkit.cli.main import main
from padimkit.inspection.exported.runtimes import runtime
from padimkit.inspection.exported.session import Options, open_session
from padimkit.service.exporting import onnx_model
from padimkit.service.exporting import parity as comparison
from padimkit.service.exporting.exporter import Framed
from padimkit.service.exporting.judged import VERDICTS
from padimkit.service.exporting.openvino_model import _CONVOLUTIONS, _kept
from padimkit.service.exporting.preprocessing import PREFIX
from padimkit.storage import load_learnt, model_digest


def _require_equal(found, expected):
    assert (found.path, found.verdict, found.p_value) == (expected.path, expected.verdict, expected.p_value)
    assert found.score == pytest.approx(expected.score, rel=1e-5)
    assert (found.threshold, found.unseen) == (expected.threshold, expected.unseen)
    assert found.model.partition("+")[0] == expected.model
    assert len(found.regions) == len(expected.regions) and found.geometry == expected.geometry
    highest = expected.anomaly_map.max()
    np.testing.assert_allclose(found.anomaly_map, expected.anomaly_map, atol=1e-5 * highest)


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_an_inspector_gives_the_same_by_an_exported_model(small, runtime):
    model, exported = Inspector(small.folder), Inspector(getattr(small, runtime), threads=1)
    assert exported.calibration == model.calibration and model.model == model_digest(small.folder)
    pairs = list(zip(exported.each(small.unseen), model.each(small.unseen), strict=True))
    for found, expected in pairs:
        _require_equal(found, expected)
    assert pairs[-1][0].verdict is Verdict.NG and pairs[-1][0].regions
    _require_equal(exported(small.unseen[0]), model(small.unseen[0]))


def test_each_file_and_precision_is_a_model_of_its_own(small, tmp_path):
    for path in (small.onnx, small.openvino, small.openvino.with_suffix(".bin")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copied = tmp_path / small.openvino.name
    ways = [(small.onnx, None), (small.openvino, None), (small.openvino, "bfloat16")]
    names = [Inspector(path, precision=precision).model for path, precision in ways]
    assert [Inspector(tmp_path / path.name, precision=precision).model for path, precision in ways] == names
    digest = model_digest(small.folder)
    kinds = ("+onnx-float32-", "+xml-float32-", "+xml-bfloat16-")
    assert [name.startswith(digest + kind) for name, kind in zip(names, kinds, strict=True)] == [True] * 3
    for path in (copied, copied.with_suffix(".bin")):  # exported anew, on other images for example
        path.write_bytes(path.read_bytes() + b"\n")
        names.append(Inspector(copied).model)
    assert len(set(names)) == 5


def test_all_forms_of_an_image_give_the_same(small):
    exported, path = Inspector(small.onnx), small.unseen[-1]
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    expected = exported(path)
    content = path.read_bytes()
    files = (str(path), content, memoryview(content), io.BytesIO(content))
    for form in (*files, picture, np.asarray(picture), np.asarray(picture) / 255):
        found = exported(form)
        assert (found.score, found.regions) == (expected.score, expected.regions)
    arrays = np.stack([np.asarray(picture)] * 3)
    assert [found.score for found in exported.each(arrays)] == pytest.approx([expected.score] * 3)


def test_more_bits_than_those_of_the_model_are_an_error(small, tmp_path):
    grey = np.full((52, 56), 128 * 257, np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    found, expected = (Inspector(model)(tmp_path / "deep.png") for model in (small.onnx, small.folder))
    assert found.error == expected.error and "more than 8 bits hold" in found.error


def test_an_image_that_cannot_be_inspected_is_an_error(small, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    exported = Inspector(small.onnx)
    found = list(exported.each([tmp_path / "broken.png", tmp_path / "none.png", small.unseen[0]]))
    assert [one.verdict for one in found[:2]] == [Verdict.ERROR] * 2
    assert "broken.png" in found[0].error and "does not exist" in found[1].error
    assert found[2].verdict is not Verdict.ERROR


def test_a_tensor_and_an_empty_path_are_refused(small):
    with pytest.raises(BadArgument, match="A path is empty"):
        Inspector(small.onnx)("")
    with pytest.raises(BadArgument, match="A tensor is not understood by an exported model"):
        Inspector(small.onnx)(torch.zeros(3, 40, 40))
    found = list(Inspector(small.onnx).each([torch.zeros(3, 40, 40), small.unseen[0]]))
    assert "A tensor is not understood" in found[0].error and found[1].error is None


def test_the_pipeline_of_an_exported_model_is_refused(small):
    with pytest.raises(BadArgument, match="not a pipeline"):
        _ = Inspector(small.onnx).pipeline


def test_an_exported_model_runs_without_torch(small):
    program = (
        "import sys, padimkit; print(padimkit.Inspector(sys.argv[1])(sys.argv[2]).verdict.value); "
        "print([name for name in ('torch', 'timm', 'faiss', 'sklearn', 'onnx') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(small.onnx), str(small.unseen[-1])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["NG", "[]"]


def test_the_graph_gives_the_p_value_and_the_verdict_of_the_calibration(small):
    session = onnxruntime.InferenceSession(str(small.onnx))
    calibration = load_calibration(small.folder)
    images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in small.unseen])
    scores, maps, p_values, verdicts = session.run(None, {"images": images})
    assert maps.shape == (len(images), 40, 40)
    for score, p_value, verdict in zip(scores.tolist(), p_values.tolist(), verdicts.tolist(), strict=True):
        assert p_value == pytest.approx(calibration.p_value(score), rel=1e-6)
        assert VERDICTS[verdict] == calibration.verdict(score).value


def test_the_graph_itself_resizes_images_of_any_size(small):
    picture = Image.open(small.unseen[-1]).convert("RGB").resize((131, 77))
    expected = Inspector(small.folder)(picture)
    for path in (small.onnx, small.openvino):
        scores, maps = open_session(path).run(np.asarray(picture)[None])
        assert scores[0] == pytest.approx(expected.score, rel=1e-5)
        highest = expected.anomaly_map.max()
        np.testing.assert_allclose(maps[0], expected.anomaly_map, atol=1e-5 * highest)


def test_openvino_computes_in_half_precision_if_asked_or_says_that_the_processor_cannot(small, caplog):
    exact = Inspector(small.openvino)
    assert not caplog.messages
    expected = exact(small.unseen[0]).score
    found = Inspector(small.openvino, precision="bfloat16")(small.unseen[0]).score
    if "BF16" in runtime("openvino", "openvino").Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        assert not caplog.messages
        assert found != expected and found == pytest.approx(expected, rel=0.1)
    else:
        told = f'"{small.openvino}": this processor has no bfloat16, and OpenVINO computes in f32.'
        assert caplog.messages == [told]
        assert found == expected


def test_onnx_refuses_what_it_cannot_compute_with(small):
    with pytest.raises(BadArgument, match="computes in float32"):
        Inspector(small.onnx, precision="bfloat16")
    with pytest.raises(BadArgument, match='cannot use the device "tpu"'):
        Inspector(small.onnx, device="tpu")
    with pytest.raises(BadArgument, match='not on "cuda"'):
        Inspector(small.openvino, device="cuda")


def test_a_model_that_is_too_large_for_one_file_is_written_as_two(small, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_model, "_MOST_BYTES", 1000)
    onnx_model.write_onnx(onnx.load(small.onnx), tmp_path / "large.onnx")
    data = tmp_path / "large.onnx.data"
    assert data.stat().st_size > 10_000
    assert data.stat().st_mode == (tmp_path / "large.onnx").stat().st_mode
    whole, parts = Inspector(small.onnx), Inspector(tmp_path / "large.onnx")
    assert parts(small.unseen[-1]).score == whole(small.unseen[-1]).score


def test_files_that_were_not_exported_are_refused(tmp_path, small):
    for name, message in (
        ("none.onnx", "does not exist"),
        ("bad.onnx", "ONNX Runtime"),
        ("bad.xml", "OpenVINO"),
    ):
        if name.startswith("bad"):
            (tmp_path / name).write_text("no model")
        with pytest.raises(BadModel, match=message):
            open_session(tmp_path / name)


def test_a_calibration_beside_an_exported_model_is_refused(small):
    with pytest.raises(BadArgument, match="has a calibration of its own"):
        Inspector(small.onnx, load_calibration(small.folder))


def test_a_missing_runtime_is_named_with_its_extra(small, monkeypatch):
    for package, path, extra in (
        ("onnxruntime", small.onnx, "onnx"),
        ("openvino", small.openvino, "openvino"),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(BadArgument, match=rf"{package} is needed.*padimkit\[{extra}\]"):
            open_session(path)


def test_a_missing_exporter_is_named_with_its_extra(small, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(BadArgument, match=r"onnxscript is needed.*padimkit\[export\]"):
        export(small.folder, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_nothing_reports_uses_of_openvino(small):
    open_session(small.openvino, Options(threads=1))
    assert "openvino_telemetry" not in sys.modules


def test_paths_may_begin_at_home(small, bare, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(small.onnx.parent))
    assert Inspector("~/model.onnx").model == Inspector(small.onnx).model
    monkeypatch.setenv("HOME", str(tmp_path))
    assert export("~/bare", "~/model.pt", format="torchscript").path == tmp_path / "model.pt"


@pytest.fixture
def bare(tmp_path, random):
    """A model of the mere pixels, without a calibration."""
    images = [random.integers(0, 256, (12, 12, 3), dtype=np.uint8) for _ in range(4)]
    parts = (Pixels(), Identity(), Gaussian())
    pipeline = Pipeline(*parts, preprocessing=Preprocessing(None, None)).fit(images, progress=False)
    save(pipeline, tmp_path / "bare")
    return tmp_path / "bare"


def test_the_command_says_how_far_results_differ(bare, tmp_path, capsys):
    output = tmp_path / "model.pt"
    assert main(["export", str(bare), "--format=torchscript", f"--output={output}"]) == 0
    printed = capsys.readouterr().out
    assert "largest difference on 8 drawn images" in printed and "batch 8: " in printed
    assert f"Exported to {output}" in printed
    with ZipFile(output) as archive:
        (card,) = (name for name in archive.namelist() if name.endswith("extra/padimkit"))
        assert b'"framing"' in archive.read(card)


def test_differences_are_an_error_and_nothing_is_written(bare, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "TOLERANCE", -1.0)
    with pytest.raises(CannotExport, match="gives other results, and is not written: largest difference"):
        export(bare, tmp_path / "out" / "model.pt", format="torchscript")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_difference_of_any_kind_does_not_hold():
    found = {"scores": {1: 1e-6, 8: 1e-6}, "maps": {1: 1e-6, 8: 1e-6}, "resized": (0.0, 1e-6), "verdicts": 0}
    parity = comparison.Parity("8 images", **found)
    assert parity.holds
    assert not replace(parity, scores={1: 2e-4}).holds
    assert not replace(parity, maps={1: 1e-6, 8: float("nan")}).holds
    assert not replace(parity, resized=(0.0, 2e-4)).holds
    assert not replace(parity, resized=(float("nan"), 0.0)).holds


def _same(*values):
    return values if len(values) > 1 else values[0]


WRONG = {  # what becomes of the images, and of the scores and maps
    "scores too high": (_same, lambda scores, maps: (1.001 * scores, maps)),
    "all scores off by the same": (_same, lambda scores, maps: (scores + 0.01, maps)),
    "maps too low": (_same, lambda scores, maps: (scores, 0.999 * maps)),
    "maps moved": (_same, lambda scores, maps: (scores, np.roll(maps, 1, axis=2))),
    "scores of other images": (_same, lambda scores, maps: (scores[::-1], maps)),
    "colours in another order": (lambda images: images[..., ::-1], _same),
    "images moved": (lambda images: np.roll(images, 1, axis=1), _same),
}
RESIZED_WRONG = ("maps moved", "colours in another order", "images moved")


def test_an_export_that_is_wrong_does_not_hold(small):
    session, pipeline = open_session(small.onnx), load(small.folder)
    images = comparison.compared_images([], load_learnt(small.folder), pipeline)
    calibration = load_calibration(small.folder)

    def holds(given, found, *where):
        def wrong(run, pixels):
            return found(*run(given(pixels)))

        runs = {name: getattr(session, name) for name in ("run", "run_framed")}
        changed = SimpleNamespace(**runs | {name: partial(wrong, runs[name]) for name in where})
        return comparison.parity(changed, pipeline, images, calibration).holds

    assert holds(_same, _same, "run", "run_framed")
    assert [fault for fault, parts in WRONG.items() if holds(*parts, "run", "run_framed")] == []
    assert [fault for fault in RESIZED_WRONG if holds(*WRONG[fault], "run")] == []


def test_images_that_were_learnt_are_mirrored_to_compare_on(tmp_path, random):
    pixels = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "1.png")
    path, preprocessing = tmp_path / "1.png", Preprocessing(None, None)
    pipeline = SimpleNamespace(fitted_preprocessing=preprocessing)
    learnt = [SimpleNamespace(path=str(path))]
    found = comparison.compared_images([], learnt, pipeline)
    assert found.source == "images that the model has learnt, mirrored"
    assert np.array_equal(found.samples[0].picture(8, 100), pixels[:, ::-1])
    assert np.array_equal(
        comparison.compared_images([path], learnt, pipeline).samples[0].picture(8, 100), pixels
    )
    assert np.array_equal(comparison.chosen_images([], learnt, pipeline).samples[0].picture(8, 100), pixels)


def test_differences_are_relative_to_what_is_usual_at_least():
    """Distances of what a gallery has learnt are 0, and what rounding leaves of them is no share of that."""
    expected = Prediction(torch.tensor([0.0, 4.0]), torch.tensor([0.0, 8.0])[:, None, None].expand(2, 3, 3))
    found = np.array([2e-6, 4.0 + 4e-5]), np.full((2, 3, 3), 1e-5) + np.array([0.0, 8.0])[:, None, None]
    differences = partial(comparison._differences, found, expected, np.arange(2))
    assert differences((1.0, 2.0)) == pytest.approx((1e-5, 5e-6), rel=1e-3)
    assert min(differences((0.0, 0.0))) > 1e30
    calibration = SimpleNamespace(scores=(1.0, 3.0, 9.0), pixel_threshold=5.0)
    assert comparison._usual(calibration) == (3.0, 5.0) and comparison._usual(None) == (0.0, 0.0)


def test_what_follows_the_convolutions_and_the_resize_is_not_quantized(small):
    nodes = runtime("openvino", "openvino").Core().read_model(str(small.openvino))
    kept = set(_kept(nodes))
    names = {(node.get_type_name(), node.get_friendly_name()) for node in nodes.get_ordered_ops()}
    products = {name for kind, name in names if kind == "MatMul"}
    resize = {name for name in products if name.startswith(PREFIX)}
    assert resize and products - resize and products <= kept
    assert not kept & {name for kind, name in names if kind in _CONVOLUTIONS}


def test_a_model_without_calibration_gives_no_verdicts(bare, tmp_path, monkeypatch):
    session = type("Fake", (), {"card": type("Card", (), {"calibration": None})})
    monkeypatch.setattr("padimkit.service.opening.open_session", lambda *_: session)
    with pytest.raises(NotCalibrated, match="was exported without a calibration"):
        Inspector(tmp_path / "model.onnx")


def test_a_part_that_cannot_be_exported_is_named(random, tmp_path):
    images = [random.integers(0, 256, (40, 40, 3), dtype=np.uint8) for _ in range(4)]
    pipeline = Pipeline(FilterBank(scales=1), ScikitLearn(IncrementalPCA(2)), Gaussian())
    with pytest.raises(CannotExport, match="ScikitLearn cannot be exported"):
        pipeline.fit(images, progress=False).graph()


@pytest.mark.parametrize(
    ("options", "name", "message"),
    [
        ({"format": "onnx"}, "a.xml", "ends in .onnx"),
        ({"precision": "int8"}, "a.onnx", '"onnx" computes in float32, not in "int8"; openvino has it'),
        ({"format": "openvino", "precision": "int4"}, "a.xml", 'Expected "precision"'),
    ],
)
def test_formats_that_do_not_fit_are_refused(bare, tmp_path, options, name, message):
    with pytest.raises(BadArgument, match=message):
        export(bare, tmp_path / name, **options)


def test_a_format_that_is_none_is_answered_with_near_misses(bare, tmp_path):
    with pytest.raises(UnknownPlugin, match="Did you mean 'torchscript'"):
        export(bare, tmp_path / "a.pt", format="torchscrip")


class Plain(Exporter):
    """Traces of a stranger's, which may give other results or be for another machine."""

    suffix = ".trace"
    factor, runs = 1.0, True

    def write(self, source, path):
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(source.graph, source.graph.example, check_trace=False)
        path.write_bytes(traced.save_to_buffer())
        path.with_name(f"{path.name}.json").write_text(source.card.as_text())

    def open(self, path, card):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = torch.jit.load(str(path))

        def run(pixels):
            scores, maps, *_ = model(torch.tensor(pixels))
            return self.factor * scores.numpy(), maps.numpy()

        return Framed(card, run) if self.runs else None


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr("padimkit.registry.registry._SESSION", {})
    Registry("exporters").add(Plain, "plain")
    return Plain


def test_a_strangers_format_is_written_and_compared(bare, tmp_path, plain):
    found = export(bare, tmp_path / "model.trace", format="plain")
    assert found.parity.largest < 1e-5 and found.parity.resized[0] < 1e-5  # Pillow resizes for it too
    assert [path.name for path in found.files] == ["model.trace.json", "model.trace"]
    with pytest.raises(BadArgument, match='"plain" computes in float32, not in "int8"'):
        export(bare, tmp_path / "other.trace", format="plain", precision="int8")


def test_a_strangers_format_that_gives_other_results_is_not_written(bare, tmp_path, plain, monkeypatch):
    monkeypatch.setattr(plain, "factor", 1.01)
    with pytest.raises(CannotExport, match="gives other results"):
        export(bare, tmp_path / "model.trace", format="plain")
    assert not list(tmp_path.glob("model.trace*"))


def test_a_format_that_cannot_be_run_here_is_written_and_said_so(bare, tmp_path, plain, monkeypatch, capsys):
    monkeypatch.setattr(plain, "runs", False)
    assert main(["export", str(bare), "--format=plain", f"--output={tmp_path / 'model.trace'}"]) == 0
    assert "Not compared with the model: plain cannot be run here." in capsys.readouterr().out


def test_a_format_that_needs_arguments_is_refused(bare, tmp_path, plain, monkeypatch):
    monkeypatch.setattr(plain, "__init__", lambda self, target: None)
    with pytest.raises(BrokenPlugin, match='"plain" cannot be made without arguments: .*target'):
        export(bare, tmp_path / "model.trace", format="plain")


def test_a_format_that_writes_nothing_is_refused(bare, tmp_path, plain, monkeypatch):
    monkeypatch.setattr(plain, "write", lambda self, source, path: None)
    with pytest.raises(CannotExport, match='has not written "model.trace"'):
        export(bare, tmp_path / "model.trace", format="plain")


def test_an_output_that_exists_is_kept(bare, tmp_path):
    (tmp_path / "model.pt").write_text("earlier")
    with pytest.raises(BadOutput, match="exists"):
        export(bare, tmp_path / "model.pt", format="torchscript")
    assert (tmp_path / "model.pt").read_text() == "earlier"
    export(bare, tmp_path / "model.pt", format="torchscript", overwrite=True)
    assert (tmp_path / "model.pt").stat().st_size > 1000
