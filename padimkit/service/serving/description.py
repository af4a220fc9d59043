"""The description of what a server answers, by OpenAPI 3.1."""

from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from padimkit.inspection.verdict import Verdict
from padimkit.service.serving.answers import EXTRAS
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.uploads import FORMATS

QUERY = {
    "model": "The name of a model; needed if there are several.",
    "name": 'The name of the image, for "path" in the answer; by default that of the file in a form.',
    "page": "The page of a TIFF that holds several images, from 0.",
    "with": "Parts of the answer beside the line, separated by commas.",
}
_NUMBER: dict[str, Any] = {"type": "number"}
_MAYBE: dict[str, Any] = {"type": ["number", "null"]}
_TEXT: dict[str, Any] = {"type": "string"}
_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_POINT: dict[str, Any] = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}


def description(models: Collection[str], limits: Limits) -> dict[str, Any]:
    """Return the description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "padimkit",
            "version": version("padimkit"),
            "description": "Verdicts on images by calibrated models.",
        },
        "paths": {
            "/predict": {"post": _predict(models, limits)},
            "/models": {"get": _get("The models, with their thresholds and calibration scores.", _MODELS)},
            "/health": {
                "get": _get("Says that the server answers.", _object({"status": _TEXT, "padimkit": _TEXT}))
            },
            "/metrics": {"get": _get("Counts and times, as Prometheus reads them.", _TEXT, "text/plain")},
            "/openapi.json": {"get": _get("This description.", {"type": "object"})},
        },
    }


def _predict(models: Collection[str], limits: Limits) -> dict[str, Any]:
    choices = {"model": {"enum": list(models)}, "name": {}, "page": {}, "with": {"examples": list(EXTRAS)}}
    return {
        "summary": "Give a verdict on an image, as a line of padimkit inspect.",
        "parameters": [
            {"name": key, "in": "query", "description": text, "schema": _TEXT | choices[key]}
            for key, text in QUERY.items()
        ],
        "requestBody": {
            "required": True,
            "description": f"An image file of at most {limits.megabytes:g} MB and {limits.megapixels:g} "
            f"megapixels ({', '.join(FORMATS)}): the body itself, or the one file of a form.",
            "content": {
                "application/octet-stream": {"schema": _BINARY},
                "multipart/form-data": {"schema": _object({"image": _BINARY})},
            },
        },
        "responses": {
            "200": _answer("The verdict.", _LINE),
            "422": _answer("The image cannot be inspected: a line with the verdict ERROR.", _LINE),
            **{status: _answer(text, _REFUSED) for status, text in _REFUSALS.items()},
        },
    }


_REFUSED: dict[str, Any] = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "pages": {"type": "array", "items": {"type": "number"}}},
    "required": ["error"],
}
_REFUSALS = {
    "400": 'There is no image, the query is wrong, or the file holds several images ("pages"), none named.',
    "404": "There is no model of this name.",
    "408": "The request took too long to arrive.",
    "413": "The body or the image is too large.",
    "415": "The file is of a format that is not taken.",
    "503": "Too many requests are waiting, or this one took too long to be answered.",
}


def _object(properties: dict[str, Any], required: Collection[str] | None = None) -> dict[str, Any]:
    needed = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "required": needed}


def _answer(text: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _get(summary: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": _answer(summary, schema, kind)}}


_REGION = _object(
    {
        "box": {"type": "array", "items": _NUMBER, "description": "Left, top, right, bottom."},
        "area": _NUMBER,
        "peak": _NUMBER,
        "centre": _POINT,
        "contour": {"type": "array", "items": _POINT},
    }
)
_ALWAYS: dict[str, Any] = {
    "path": _TEXT | {"description": "The name of the image."},
    "verdict": {"enum": [verdict.value for verdict in Verdict]},
    "score": _MAYBE,
    "p_value": _MAYBE,
    "threshold": _NUMBER,
    "background": _MAYBE,
    "unseen": _MAYBE,
    "model": {"type": ["string", "null"]},
    "milliseconds": _NUMBER,
    "error": {"type": ["string", "null"]},
    "regions": {"type": "array", "items": _REGION},
}
_EXTRAS = {
    "overlay": _TEXT | {"description": "PNG at the size of the image, in base64."},
    "map": _object({"minimum": _NUMBER, "maximum": _NUMBER, "png": _TEXT})
    | {
        "description": "PNG of 16 bits at the size of the image, in base64: 0 is not seen, 1 to 65535 are "
        "minimum to maximum."
    },
    "values": _object({"shape": {"type": "array"}, "float32": _TEXT})
    | {"description": "The map at the size of the image, little-endian in base64; NaN is not seen."},
    "preview": _object({"image": _TEXT, "overlay": _TEXT})
    | {"description": "JPEG of the image and its overlay, at most 480 pixels wide and high, in base64."},
}
_LINE = _object(_ALWAYS | _EXTRAS, _ALWAYS)
_MODELS = {
    "type": "array",
    "items": _object(
        {
            "name": _TEXT,
            "model": {"type": ["string", "null"], "description": "Its hash."},
            "threshold": _NUMBER,
            "review_threshold": _NUMBER,
            "false_alarms": _NUMBER,
            "scores": {
                "type": "array",
                "items": _NUMBER,
                "description": "Those of the calibration, ascending.",
            },
            "megabytes": _NUMBER | {"description": "The most of a request."},
        }
    ),
}
