"""The plugin that raised an error, found by its traceback, wherever it was called.

Apart from the registry, which only commands and cells ask: a program in Python sees the traceback itself.
"""

from traceback import walk_tb
from types import FrameType

from padimkit.registry.plugin import Plugin
from padimkit.registry.registry import installed

# Tools that plugins call, and streams that they read: an error there is neither theirs nor their callers'.
_SAMPLES = "padimkit.images.sample"
_TOOLS = ("arguments", "contracts", "errors", "files", "memory", "moments", "stages", "values")


def blamed(error: BaseException) -> str:
    """Return which plugin of a stranger raised an error, in which step, and the error; empty if none did.

    It is the one whose code was running last, unless padimkit has been called from there.
    """
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if not _is_tool(frame)]
    steps = _last_steps(frames)
    if not steps:
        return ""
    cause = f"{type(error).__name__}: {error}".rstrip(": .")
    opens = any(_module(frame) == _SAMPLES for frame in frames[: frames.index(steps[-1])])
    return f"{_named(steps, opens=opens)} failed in {steps[-1].f_code.co_name}: {cause}."


def _last_steps(frames: list[FrameType]) -> list[FrameType]:
    """Return the frames of the stranger's package that ran last, the innermost first."""
    strange = {_package(plugin.module) for plugin in installed() if not plugin.is_built_in}
    steps: list[FrameType] = []
    for frame in reversed(frames):
        package = _package(_module(frame))
        if package == "padimkit" or (steps and package in strange and package != _package(_module(steps[0]))):
            break
        if package in strange:
            steps.append(frame)
    return steps


def _named(steps: list[FrameType], *, opens: bool) -> str:
    """Return the plugin whose method this is, or all of the package that it may be of, if it is that of none.

    A function that opens a sample is that of a data set, and rather of one in its module.
    """
    package = _package(_module(steps[0]))
    plugins = [p for p in installed() if not p.is_built_in and _package(p.module) == package]
    if opens:
        plugins = [p for p in plugins if p.family == "datasets"] or plugins
    modules = {_module(frame) for frame in steps}
    beside = [p for p in plugins if p.module in modules]
    kinds = [type(frame.f_locals.get("self")) for frame in reversed(steps)]
    paths = [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]
    for plugin in plugins:
        if plugin.class_path in paths or len(plugins) == 1:
            return plugin.title
    if len(beside) == 1:
        return beside[0].title
    return _several(beside or plugins)


def _several(plugins: list[Plugin]) -> str:
    names = " or ".join(f'"{plugin.name}" ({plugin.family})' for plugin in plugins)
    return f"Plugin {names} of {plugins[0].distribution} {plugins[0].version}"


def _is_tool(frame: FrameType) -> bool:
    top, _, rest = _module(frame).partition(".")
    return top == "padimkit" and _package(rest) in _TOOLS


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _package(module: str) -> str:
    return module.split(".")[0]
