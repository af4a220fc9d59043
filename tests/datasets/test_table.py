import sys

import pytest
from PIL import Image

from padimkit.datasets.folder import Folder
from padimkit.datasets.mvtec import MVTec
from padimkit.datasets.table import Table
from padimkit.errors import BadArgument, BadData
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

ROWS = """image,mask,label,split,note
a.png,,normal,train,x
b.png,,good,train,x
c.png,,OK,test,x
d.png,masks/d.png,anomalous,test,x
"""
VISA = """object,split,label,image,mask
candle,train,normal,candle/0.JPG,
candle,test,anomaly,candle/1.JPG,candle/1.png
pcb1,train,normal,pcb1/0.JPG,
pcb1,test,normal,pcb1/1.JPG,
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def names(samples):
    return [sample.path.name for sample in samples]


def test_rows_are_images_with_label_mask_and_split(write, tmp_path):
    (tmp_path / "masks").mkdir()
    for name in ("a.png", "b.png", "c.png", "d.png", "masks/d.png"):
        Image.new("L", (4, 4), 200).save(tmp_path / name)
    table = Table(str(write(ROWS)))
    assert names(table.train()) == ["a.png", "b.png"]
    assert [sample.anomalous for sample in table.test()] == [False, True]
    (batch,) = Reader(Preprocessing(resize=4, crop=None)).batches(table.test())
    assert batch.masks.flatten(1).sum(1).tolist() == [0, 16]


def test_a_table_of_visa_is_read_by_the_names_of_its_columns(write, tmp_path):
    file = write(VISA, "1cls.csv")
    table = Table(file, root=tmp_path / "VisA", category="candle", columns={"category": "object"})
    assert [sample.path for sample in table.train()] == [tmp_path / "VisA/candle/0.JPG"]
    (sample,) = table.test()
    assert (sample.anomalous, sample.mask) == (True, tmp_path / "VisA/candle/1.png")
    with pytest.raises(BadData, match="several categories: candle, pcb1"):
        Table(file, columns={"category": "object"}).train()
    with pytest.raises(BadData, match='no category "cashew". It has: candle, pcb1'):
        Table(file, category="cashew", columns={"category": "object"}).test()


def test_parquet_is_read_as_csv_is_and_names_its_extra(write, tmp_path, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"image": ["a.png", "b.png"], "label": [0, 1], "split": ["train", "test"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "table.parquet")
    table = Table(tmp_path / "table.parquet")
    assert names(table.train()) == ["a.png"] and table.test()[0].anomalous
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadData, match=r"padimkit\[parquet\]"):
        table.train()


def test_a_label_may_be_unknown_in_a_test_image(write):
    (sample,) = Table(write("image,label,split\na.png,,test\n")).test()
    assert sample.anomalous is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,split\na.png,train\n", 'no column "label". It has: image, split'),
        ("image,label,split\na.png,odd,train\n", 'Row 1 of .* has the label "odd". Expected one of normal, '),
        ("image,label,split\na.png,ok,validate\n", 'has the split "validate". Expected one of train, test'),
        ("image,label,split\na.png,bad,train\n", "Row 1 .* not labelled normal"),
        ("image,label,split\na.png,,train\n", "Row 1 .* not labelled normal"),
        ("image,label,split\n,ok,train\n", "Row 1 of .* has no image"),
        ("image,label,split\na.png,ok,test\n", 'no row of the split "train"'),
        ("", "has no rows below the names"),
        ("image,label,split\n", "has no rows below the names"),
        ("image;label;split\na,b.png;ok;train\n", 'no column "image". It has: image;label;split'),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_by_row(write, text, message):
    with pytest.raises(BadData, match=message):
        Table(write(text)).train()


def test_a_missing_table_one_without_test_images_and_unknown_columns_are_refused(write, tmp_path):
    with pytest.raises(BadData, match="cannot be read as a table"):
        Table(tmp_path / "none.csv").train()
    with pytest.raises(BadData, match='no row of the split "test"'):
        Table(write("image,label,split\na.png,ok,train\n")).test()
    with pytest.raises(BadArgument, match="\"columns\" names 'picture'; it may name image, mask"):
        Table("table.csv", columns={"picture": "image"})


def test_the_layouts_of_btad_and_mvtec_ad_2_are_read_by_other_data_sets(tmp_path):
    """As docs/datasets.md says."""
    for name in ("01/train/ok/0.bmp", "01/test/ok/1.bmp", "01/test/ko/2.bmp", "01/ground_truth/ko/2.png"):
        _picture(tmp_path / "btad" / name)
    btad = MVTec(tmp_path / "btad", "01", normal="ok")
    assert names(btad.train()) == ["0.bmp"]
    assert [(sample.path.name, sample.anomalous) for sample in btad.test()] == [
        ("2.bmp", True),
        ("1.bmp", False),
    ]
    assert [sample.mask.name for sample in btad.test() if sample.anomalous] == ["2.png"]
    can = tmp_path / "can"
    public = "test_public/good/1.png", "test_public/bad/2.png", "test_public/ground_truth/bad/2_mask.png"
    for name in ("train/good/0.png", *public):
        _picture(can / name)
    test = can / "test_public"
    source = Folder(
        can / "train/good", test / "bad", masks=test / "ground_truth/bad", test_normal=test / "good"
    )
    assert names(source.train()) == ["0.png"] and names(source.test()) == ["1.png", "2.png"]
    assert source.test()[1].mask == test / "ground_truth/bad/2_mask.png"


def _picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), 200).save(path)
