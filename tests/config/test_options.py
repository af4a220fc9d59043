"""Near misses of options, and the parser of commands that import little."""

import argparse
import subprocess
import sys

import pytest

from padimkit.config.options import PlainParser, with_near_options
from padimkit.errors import BadConfig


@pytest.fixture
def parser():
    parser = PlainParser(prog="padimkit thing")
    for name in ("--output", "--data", "--data.help", "--metrics+", "--print_shtab"):
        parser.add_argument(name)
    parser.add_argument("name")
    return parser


def test_near_misses_are_options_and_not_what_explains_them(parser):
    assert with_near_options("unrecognized arguments: --outptu=3", parser) == (
        "Unrecognized arguments: --outptu=3. Did you mean '--output'?"
    )
    for unknown in ("--data.hlep", "--print_shtap", "--hepl", "--metric"):
        _, _, near = with_near_options(f"unrecognized arguments: {unknown}", parser).partition("Did you mean")
        assert not any(hidden in near for hidden in ("help", "shtab", "-h'", "--metrics+"))


def test_what_is_like_nothing_is_pointed_to_the_help(parser):
    message = with_near_options("unrecognized arguments: --zzz", parser)
    assert message == "Unrecognized arguments: --zzz. padimkit thing --help lists all."


def test_other_messages_become_sentences(parser):
    assert with_near_options("argument x:\n  wrong", parser) == "Argument x: wrong."


def test_mistakes_are_refused_and_help_is_not(parser, capsys):
    with pytest.raises(BadConfig, match="The following arguments are required: name."):
        parser.parse_args([])
    with pytest.raises(BadConfig, match="Unrecognized arguments: stray."):
        parser.parse_args(["mine", "stray"])
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit, match="0"):
        parser.parse_args(["--help"])
    assert isinstance(parser, argparse.ArgumentParser)


def test_it_imports_no_jsonargparse():
    code = "import sys, padimkit.config.options; assert not {'torch', 'jsonargparse'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
