"""`padimkit serve`: verdicts over HTTP by stored, calibrated models, and a page to drop images on.

A command of its own: `main` imports it by name when it is called.
"""

from ipaddress import ip_address
from socket import socket

from jsonargparse import ArgumentParser, Namespace

from padimkit.arguments import require_whole
from padimkit.cli.listing import counted_images
from padimkit.config.commands import add_trust
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadConfig
from padimkit.files.foreign_text import printable
from padimkit.files.packages import is_installed
from padimkit.images.prefetch import MOST_WORKERS
from padimkit.images.reader import Reader
from padimkit.service.inspector import Inspector

_NEEDED = ("starlette", "uvicorn", "python-multipart", "prometheus-client")  # as in the extra "serve"


def run(words: list[str]) -> None:
    """Answer requests until SIGTERM or Ctrl-C."""
    made = parse_words(_parser(), words)
    _require_extra()
    # They import what the extra brings.
    from padimkit.service.serving.limits import Limits
    from padimkit.service.serving.models import named_models
    from padimkit.service.serving.server import address, bound, new_server, serve
    from padimkit.service.serving.service import Service

    if made.workers is not None:
        require_whole("workers", made.workers, 1, MOST_WORKERS)
    limits = Limits(made.megabytes, made.megapixels, made.seconds, made.waiting)
    paths = named_models(made.models)
    reader = Reader(batch_size=made.batch_size, workers=made.workers)
    with bound(made.host, made.port) as taken:
        service = Service(
            {name: Inspector(path, device=made.device, trust=made.trust) for name, path in paths.items()},
            limits,
            batch_size=reader.batch_size,
            workers=max(1, reader.threads),  # one where there is one CPU
            hosts=_hosts(made, taken),
        )
        url = address(taken)
        server = new_server(service.app(), limits)
        taken.listen()  # from here on, requests are kept until they are answered
        print(f"Serving {printable(', '.join(paths))} on {url} until Ctrl-C or SIGTERM", flush=True)
        serve(server, taken)
    print(f"Stopped after {counted_images(service.answered)}")


def _parser() -> ArgumentParser:
    parser = new_parser(
        "serve",
        usage="padimkit serve MODEL_OR_NAME=MODEL... [OPTIONS]",
        description="Answer requests over HTTP with verdicts by calibrated models: POST an image to /predict "
        "and get what a line of inspect holds. The page at / is for people, /docs says what else there is. "
        "It listens on this machine alone, unless --host says otherwise, and asks nobody for a password.",
    )
    parser.add_argument(
        "models",
        type=str,
        nargs="+",
        help="Folders that fit has written; the last part of the path, or NAME, is the name of the model.",
    )
    parser.add_argument(
        "--host", type=str, default="127.0.0.1", help="The address to listen on; 0.0.0.0 is all of them."
    )
    parser.add_argument("--port", type=int, default=8000, help="The port to listen on; 0 is a free one.")
    parser.add_argument(
        "--aliases",
        type=str,
        nargs="+",
        default=[],
        help="Names besides localhost by which a server on this machine alone may be called, by a proxy say.",
    )
    _add_limits(parser)
    parser.add_argument("--device", type=str, default="cpu", help="Device to compute on: cpu, cuda, ...")
    parser.add_argument("--batch_size", type=int, default=8, help="The most images scored together.")
    parser.add_argument("--workers", type=int | None, default=None, help="Threads that decode images.")
    add_trust(parser)
    return parser


def _add_limits(parser: ArgumentParser) -> None:
    limits: tuple[tuple[str, type, float, str], ...] = (
        ("megabytes", float, 32.0, "The most of a request."),
        ("megapixels", float, 64.0, "The most of an image."),
        ("seconds", float, 30.0, "The most for the head of a request, for its body, and for its answer."),
        ("waiting", int, 64, "Requests that are taken at a time; others get the status 503."),
    )
    for name, kind, default, text in limits:
        parser.add_argument(f"--{name}", type=kind, default=default, help=text)


def _require_extra() -> None:
    missing = [name for name in _NEEDED if not is_installed(name)]
    if missing:
        raise BadConfig(
            f'A server needs {", ".join(missing)}, which the extra "serve" brings: '
            'pip install "padimkit[serve]".'
        )


def _hosts(made: Namespace, taken: socket) -> tuple[str, ...] | None:
    """Return the names by which the server may be called: any, if others than this machine reach it."""
    from padimkit.service.serving.guard import LOOPBACK

    if not ip_address(taken.getsockname()[0]).is_loopback:
        return None
    return (*LOOPBACK, made.host.lower(), *(name.lower() for name in made.aliases))
