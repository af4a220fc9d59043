"""The image in a request: the body itself, or the one file of a form; checked before it is decoded."""

import sys
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from padimkit.errors import BadImage
from padimkit.images.decoders import other_format
from padimkit.images.directories import page_numbers
from padimkit.images.pages import Page
from padimkit.service.serving.limits import Limits

# Fewer than the decoders know: TGA has no mark that tells it from other files, and AVIF is not everywhere.
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
_UNKNOWN = "image"
_MOST_LISTED = 10  # pages in a message: a small file may claim a million


async def received(request: Request, limits: Limits) -> Page:
    """Return the image in a request, by the name that the client gave it.

    Raises:
        HTTPException: There is none, or more than one, or the body is too large (413).
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.most_bytes:
        await drain(request, limits.most_bytes)
        raise _too_large(limits)
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        return await _of_form(Request(request.scope, _counted(request, limits)))
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limits.most_bytes:
            await drain(request, limits.most_bytes)
            raise _too_large(limits)
    return _page(request.query_params.get("name"), bytes(content))


async def drain(request: Request, most: int) -> None:
    """Read and forget at most this many bytes: a client that still sends does not see the answer.

    One that asks before it sends (Expect: 100-continue, as curl does with large files) is told at once.
    """
    if "expect" in request.headers:
        return
    with suppress(RuntimeError):  # all of it was read before
        async for chunk in request.stream():
            most -= len(chunk)
            if most <= 0:
                break


@final
class SeveralPages(HTTPException):
    """A refusal of a file that holds several images, of which none was asked for.

    Args:
        name: That of the file.
        pages: The numbers of its images.
    """

    def __init__(self, name: str, pages: list[int]) -> None:
        self.pages = pages
        super().__init__(
            400,
            f'"{name}" holds {len(pages)} images. Send it once for each of them, and name it in the query: '
            f"?page={pages[0]}. It has {_listed(pages)}.",
        )


def page_in(file: Page, number: int | None) -> Page:
    """Return the page of a file that was asked for; its only image for None.

    Raises:
        HTTPException: The file holds several, and none was asked for, or it does not have this one.
    """
    assert isinstance(file.file, bytes)
    numbers = page_numbers(BytesIO(file.file))
    if number is None and len(numbers) == 1:
        return file
    if number is None:
        raise SeveralPages(file.name, numbers)
    if number not in numbers:
        raise HTTPException(400, f'"{file.name}" has no page {number}. It has {_listed(numbers)}.')
    return replace(file, name=f"{file.name}[{number}]" if len(numbers) > 1 else file.name, number=number)


def _listed(numbers: list[int]) -> str:
    more = ", ..." if len(numbers) > _MOST_LISTED else ""
    return f"the pages {', '.join(map(str, numbers[:_MOST_LISTED]))}{more}"


def check(page: Page, limits: Limits) -> None:
    """Check format and size of an image by its header; what cannot be read is left to the decoder.

    Raises:
        HTTPException: The format is not one of `FORMATS` (415), or there are too many pixels (413).
    """
    found, pixels = _header(page)
    if found is not None and found not in FORMATS:
        raise HTTPException(
            415, f'"{page.name}" is a file of the format {found}; expected {", ".join(FORMATS)}.'
        )
    if pixels > 1e6 * limits.megapixels:
        raise HTTPException(
            413,
            f'"{page.name}" has more than the {limits.megapixels:g} megapixels that this server takes '
            "(--megapixels). Send a smaller image.",
        )


def _header(page: Page) -> tuple[str | None, int]:
    """Return format and pixels; no format if the header cannot be read and says none."""
    try:
        with replace(page, most_pixels=sys.maxsize).opened() as picture:
            return picture.format, picture.width * picture.height
    except BadImage:
        return other_format(page.file) if isinstance(page.file, bytes) else None, 0


async def _of_form(request: Request) -> Page:
    async with request.form(max_files=2, max_fields=10) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if len(files) > 1:
            raise HTTPException(400, "The form holds several files. Send one image in a request.")
        if not files:
            raise HTTPException(400, f"The form holds no file. {_HOW}")
        return _page(request.query_params.get("name") or files[0].filename, await files[0].read())


_HOW = "Send the bytes of an image file as the body, or as the one file of a form (multipart/form-data)."


def _page(name: str | None, content: bytes) -> Page:
    if not content:
        raise HTTPException(400, f"The request holds no image. {_HOW}")
    return Page(name or _UNKNOWN, content)


def _counted(request: Request, limits: Limits) -> Receive:
    """Return what receives the body of a form, and refuses it once it is too large."""
    count = 0

    async def receive() -> Message:
        nonlocal count
        message = await request.receive()
        count += len(message.get("body", b""))
        if count > limits.most_bytes:
            if message.get("more_body", False):  # else nothing more would come
                await drain(request, limits.most_bytes)
            raise _too_large(limits)
        return message

    return receive


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(
        413,
        f"The body of the request is larger than the {limits.megabytes:g} MB that this server takes "
        "(--megabytes). Send a smaller file.",
    )
