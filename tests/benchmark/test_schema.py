"""The schema of records beside records that are and are not whole."""

import json
from dataclasses import asdict
from pathlib import Path

import made_records
from jsonschema import Draft202012Validator

from padimkit.benchmark.record import FORMAT, ImageScores, packed
from padimkit.benchmark.schema import record_schema
from padimkit.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_the_documented_schema_is_that_of_the_code(capsys):
    assert main(["records", "schema"]) == 0
    assert (ROOT / "docs" / "reference" / "record.schema.json").read_text() == capsys.readouterr().out


def test_the_schema_is_of_a_format_and_tells_every_field(random):
    schema = record_schema()
    content = plain(random)
    assert schema["properties"]["format"] == {"const": FORMAT}
    assert list(schema["properties"])[1:] == list(content)[1:]
    objects = [schema, *schema["$defs"].values()]
    assert all(one["description"] for one in objects) and len(objects) > 8
    assert schema["required"] == ["format", "key", "cell"]
    assert all("description" in field for name, field in schema["properties"].items() if name != "format")


def plain(random):
    record = made_records.with_curves(made_records.made("spade", "grid", 0, random), random)
    content = {"format": FORMAT, **asdict(made_records.with_examples(record, random))}
    content["images"] = asdict(ImageScores(("a",), "0", packed([1.0])))
    return json.loads(json.dumps(content))


def test_a_validator_takes_records_and_refuses_others(random):
    validator, content = Draft202012Validator(record_schema()), plain(random)
    validator.validate(content)
    for wrong in ({"format": 1}, {"took": "long"}, {"extra": 1}, {"images": {}}, {"bytes": {"peak": 0.5}}):
        assert not validator.is_valid(content | wrong)
