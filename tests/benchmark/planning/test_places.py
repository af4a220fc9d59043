import shutil
from pathlib import Path

from padimkit.benchmark.planning import places as planning_places
from padimkit.benchmark.planning.places import Places, folders_of
from padimkit.benchmark.planning.suite import Suite
from padimkit.datasets.mvtec import MVTec


def places(**arguments):
    return Places().of_cell(
        {"pipeline": {"density": {"class_path": "mine", "init_args": arguments}}}, frozenset()
    )


def test_data_and_files_of_a_pipeline_have_the_same_keys_wherever_they_lie(suite, stripes, tmp_path):
    def keys(root, mask):
        pipeline = {"backbone": "pixels", "reducer": "identity", "density": "gaussian"}
        pipeline |= {"preprocessing": {"roi": str(mask)}}
        data = {"class_path": "mvtec", "init_args": {"root": str(root), "category": "stripes"}}
        found = Suite.read(
            suite(pipelines=[{"name": "own", "pipeline": pipeline}], datasets=[data], seeds=[0])
        )
        return [planned.key for planned in found.planned]

    mask = tmp_path / "mask.png"
    mask.write_bytes(b"one")
    before = keys(stripes, mask)
    moved = Path(shutil.move(stripes, tmp_path / "elsewhere"))
    copied = Path(shutil.copy(mask, tmp_path / "copied"))
    assert keys(moved, copied) == before
    copied.write_bytes(b"two")
    changed = keys(moved, copied)
    first, *_, last = sorted(moved.glob("stripes/ground_truth/spot/*"))
    shutil.copy(first, last)
    assert len({*before, *changed, *keys(moved, mask)}) == 3


def test_only_folders_that_hold_the_images_are_told_by_them(stripes, tmp_path):
    data = MVTec(stripes, "stripes")
    folders = folders_of([*data.train(), *data.test()])
    assert {stripes, stripes / "stripes" / "test", stripes / "stripes" / "ground_truth" / "spot"} <= folders
    other = tmp_path / "other"
    other.mkdir()
    settings = {"class_path": "mvtec", "init_args": {"root": str(stripes), "category": str(other)}}
    found = Places().of_cell({"data": settings, "pipeline": {}}, folders)
    assert found == {
        str(stripes): "",
        str(other): Places().of_cell({"pipeline": str(other)}, folders)[str(other)],
    }
    assert found[str(other)] != ""
    assert Places().of_cell({"pipeline": str(stripes), "data": settings}, folders)[str(stripes)] != ""


def test_a_folder_is_told_by_all_that_is_in_it(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "deep").mkdir(parents=True)
    (one / "deep" / "file").write_text("content")
    shutil.copytree(one, other)
    found = places(a=str(one), b=[{"deeper": str(other)}])
    assert found[str(one)] == found[str(other)] != ""
    (other / "deep" / "file").rename(other / "deep" / "renamed")
    assert places(a=str(one))[str(one)] != places(b=str(other))[str(other)]


def test_a_folder_of_very_many_files_is_told_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(planning_places, "_MOST_FILES", 3)
    for number in range(3):
        (tmp_path / f"{number}").touch()
    assert set(places(root="/", few=str(tmp_path))) == {str(tmp_path)}
    (tmp_path / "another").touch()
    assert places(many=str(tmp_path)) == {}


def test_words_are_no_places_even_where_a_folder_has_their_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet18").mkdir()
    (tmp_path / "file").write_text("content")
    assert places(model="resnet18", other="\0", long="x" * 5000, user="~nobody-has-this-name/x") == {}
    assert set(places(model="resnet18", file="file", absolute=str(tmp_path))) == {"file", str(tmp_path)}
    named = {"class_path": "mvtec", "init_args": {"root": "resnet18", "category": "resnet18x"}}
    assert set(Places().of_cell({"data": named}, frozenset())) == {"resnet18"}  # `root` is a Path
    named["init_args"]["root"] = ""
    assert Places().of_cell({"data": named}, frozenset()) == {}


CHECKPOINTED = """
    from padimkit.reducers.identity import Identity

    class Checkpointed(Identity):
        writes = ("checkpoint",)
        def __init__(self, checkpoint: str = "", weights: str = ""): pass
"""


def test_a_file_that_a_part_writes_is_the_same_wherever_it_lies(install, tmp_path):
    install("stranger", {"checkpointed": "checkpointed:Checkpointed"}, {"checkpointed": CHECKPOINTED})
    settings = {"class_path": "checkpointed", "init_args": {"checkpoint": "a/b", "weights": "a/c"}}
    assert Places().of_cell({"pipeline": settings}, frozenset()) == {"a/b": ""}


def test_a_file_that_a_part_writes_is_none_of_its_input_though_nobody_knows_its_types(install, tmp_path):
    unknown = CHECKPOINTED.replace("weights: str", "weights: 'Unknown'")
    install("strange", {"unhinted": "unhinted:Checkpointed"}, {"unhinted": unknown})
    written = tmp_path / "written"
    written.touch()
    settings = {"class_path": "unhinted", "init_args": {"checkpoint": str(written)}}
    assert Places().of_cell({"pipeline": settings}, frozenset()) == {str(written): ""}
