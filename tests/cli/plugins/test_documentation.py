from pathlib import Path
from typing import Literal

from padimkit.cli.plugins.documentation import Argument, manual, required_arguments
from padimkit.densities.gaussian import Gaussian


class Documented:
    """Be an example.

    With a second paragraph.

    Args:
        first: Given on
            two lines.
        third: Of few values.
    """

    def __init__(
        self,
        first: int | None,
        second: "list[str]",
        third: Literal["a", "b"] = "a",
        fourth: Path = Path("x"),
        *rest: int,
        **more: int,
    ) -> None:
        """Makes it.

        Args:
            second: Told in the docstring of the method.
        """


class Silent:
    pass


def test_arguments_are_told_with_type_default_and_meaning():
    found = manual(Documented)
    assert (found.summary, found.text) == ("Be an example.", "With a second paragraph.")
    assert found.arguments == (
        Argument("first", "int | None", None, "Given on two lines."),
        Argument("second", "list[str]", None, "Told in the docstring of the method."),
        Argument("third", "Literal['a', 'b']", "'a'", "Of few values."),
        Argument("fourth", "pathlib.Path", "'x'", ""),
    )
    assert required_arguments(Documented) == ["first", "second"]


def test_a_class_without_docstring_has_an_empty_manual():
    found = manual(Silent)
    assert (found.summary, found.text, found.arguments) == ("", "", ())


def test_every_argument_of_a_built_in_has_a_meaning():
    arguments = manual(Gaussian).arguments
    assert len(arguments) >= 5
    assert all(argument.text and argument.type and argument.default for argument in arguments)
