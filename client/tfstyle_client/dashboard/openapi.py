"""The HTTP API in OpenAPI's format. The options come from the options table, so that it has each of them."""

from __future__ import annotations

from typing import Any

from tfstyle import __version__
from tfstyle.inputs import BESIDES, MOST_COLOURS, OF_A_STYLE
from tfstyle.rules import Rule
from tfstyle_client.dashboard.option_table import option_table
from tfstyle_client.dashboard.transfer_form import FOR_EACH_STYLE, ONCE
from tfstyle_client.lettering.recipe import MOST_CHARACTERS, RULES, TRANSPARENT

Json = dict[str, Any]
_DIGEST: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ID: Json = {"type": "string", "pattern": "^[0-9a-f]{1,64}$"}
_NUMBER_OR_TEXT: Json = {"oneOf": [{"type": "number"}, {"type": "string"}]}


def description() -> Json:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "tfstyle", "version": __version__, "summary": "Repaint a photo in the style of a painting"},
        "servers": [{"url": "."}],
        "security": [{}, {"token": []}, {"cookie": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "tfstyle-..."},
            },
            "schemas": _schemas(),
        },
    }


def _paths() -> Json:
    job = [_parameter("id", "path", _ID)]
    return {
        "/session": {
            "get": _method("Whether to log in", {"200": _json({"type": "object"})}),
            "post": _method(
                "Log in", {"204": _nothing("logged in")}, body=_object({"token": {"type": "string"}}, "token")
            ),
            "delete": _method("Log out", {"204": _nothing("logged out")}),
        },
        "/server": {"get": _method("The server", {"200": _json({"type": "object"})})},
        "/options": {"get": _method("Every option", {"200": _json({"type": "object"})})},
        "/images": {
            "post": {
                **_method("Upload a picture", {"201": _json(_ref("Image"))}),
                "requestBody": {"required": True, "content": {"image/*": {}, "application/octet-stream": {}}},
            }
        },
        "/images/{digest}": {
            "get": _method(
                "A picture, or a thumbnail of it",
                {"200": {"description": "the file", "content": {"image/*": {}}}},
                [
                    _parameter("digest", "path", _DIGEST),
                    _parameter("side", "query", {"enum": [160, 320, 640, 1024, 2048]}),
                ],
            )
        },
        "/images/{digest}/facts": {
            "get": _method(
                "What an upload tells about a picture",
                {"200": _json(_ref("Image"))},
                [_parameter("digest", "path", _DIGEST)],
            )
        },
        "/fonts": {
            "post": {
                **_method("Upload a font", {"201": _json(_ref("Font"))}),
                "requestBody": {"required": True, "content": {"font/*": {}, "application/octet-stream": {}}},
            }
        },
        "/letters": {
            "post": _method(
                "The sheet that letters would be painted on",
                {
                    "200": {
                        "description": "the sheet",
                        "content": {"image/webp": {}},
                        "headers": {"X-Sheet-Size": {"schema": {"type": "string"}, "description": "WIDTHxHEIGHT"}},
                    }
                },
                body=_ref("SheetRequest"),
            )
        },
        "/provenance": {
            "post": {
                **_method("How a result was made", {"200": _json({"type": "object"})}),
                "requestBody": {"required": True, "content": {"image/*": {}, "application/octet-stream": {}}},
            }
        },
        "/estimates": {
            "post": _method(
                "Time and memory of a transfer", {"200": _json(_ref("Started"))}, body=_ref("EstimateRequest")
            )
        },
        "/jobs": {
            "get": _method(
                "The jobs, newest first",
                {"200": _json(_object({"jobs": _list(_ref("Job")), "next": {"type": ["string", "null"]}}))},
                [
                    _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 200}),
                    _parameter("page", "query", {"type": "string"}),
                    _parameter("state", "query", _list(_ref("State"))),
                ],
            ),
            "post": {
                **_method("Create a job", {"201": _json(_ref("Job"))}),
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": _ref("Transfer")},
                        "multipart/form-data": {"schema": _ref("TransferForm")},
                    },
                },
            },
        },
        "/grids": {
            "post": _method(
                "Create a job for each pair of values", {"201": _json(_ref("Grid"))}, body=_ref("GridRequest")
            )
        },
        "/jobs/{id}": {
            "get": _method("A job", {"200": _json(_ref("Job"))}, job),
            "delete": _method("Delete a job that has ended", {"204": _nothing("deleted")}, job),
        },
        "/jobs/{id}/cancel": {"post": _method("Cancel a job", {"200": _json(_ref("Job"))}, job)},
        "/jobs/{id}/result": {
            "get": _method(
                "The picture",
                {"200": {"description": "a PNG", "content": {"image/png": {}}}},
                [*job, {**_parameter("download", "query", {"type": "string"}), "allowEmptyValue": True}],
            )
        },
        "/jobs/{id}/letters": {
            "get": _method(
                "The words of a job's letters", {"200": _json({"oneOf": [_ref("Letters"), {"type": "null"}]})}, job
            )
        },
        "/jobs/{id}/commands": {
            "get": _method(
                "The same on the command line and in Python",
                {"200": _json(_object({"cli": {"type": "string"}, "python": {"type": "string"}}))},
                job,
            )
        },
        "/jobs/{id}/events": {
            "get": _method(
                "The events of a job",
                {
                    "200": _stream(
                        _object({"job": _ref("Job"), "events": _list(_ref("Event")), "last": {"type": "integer"}})
                    )
                },
                [
                    *job,
                    _parameter("after", "query", {"type": "integer", "minimum": 0}),
                    _parameter("limit", "query", {"type": "integer", "minimum": 0}),
                ],
            )
        },
        "/stream": {
            "get": _method(
                "The changes of all jobs, and the events of some",
                {"200": _stream(_object({"messages": _list({"type": "object"}), "last": {"type": "string"}}))},
                [
                    {**_parameter("jobs", "query", {"type": "string"}), "allowEmptyValue": True},
                    _parameter("job", "query", _list({"type": "string"})),
                    _parameter("last", "query", {"type": "string"}),
                ],
            )
        },
    }


def _schemas() -> Json:
    options = {entry["name"]: _option(entry) for entry in option_table()["options"]}
    strength = options.pop("strength")
    presets = {"enum": [preset["name"] for preset in option_table()["presets"]]}
    perhaps = {**_DIGEST, "type": ["string", "null"]}
    style = _object(
        {"image": _DIGEST, "weight": {"type": "number", "minimum": 0}, **dict.fromkeys(OF_A_STYLE, perhaps)}, "image"
    )
    chosen = {"preset": presets, "strength": strength, "options": _object(options)}
    sides = {"width": {"type": "integer", "minimum": 1}, "height": {"type": "integer", "minimum": 1}}
    size = _object(sides, "width", "height")
    perhaps_size = {**size, "type": ["object", "null"]}
    drawn = {"texture": size, "letters": _ref("Letters")}
    earlier = _object({"image": _DIGEST, "weight": {"type": "number", "minimum": 0}, "weights": perhaps}, "image")
    pictures = {"content": _DIGEST, **drawn, "styles": _list(style), **dict.fromkeys(BESIDES, perhaps)}
    transfer = {**pictures, "temporal": _list(earlier), **chosen}
    measures = {name: {**_rule(rule), "type": ["number", "null"]} for name, rule in RULES.items()}
    background = {"type": ["string", "null"], "description": f"{TRANSPARENT}, or a colour"}
    text = {"type": "string", "maxLength": MOST_CHARACTERS}
    axis = _object({"option": {"type": "string"}, "values": _list(_NUMBER_OR_TEXT)}, "option", "values")
    file = {"type": "string", "format": "binary"}
    return {
        "State": {"enum": ["queued", "running", "succeeded", "failed", "cancelled"]},
        "Image": _object(
            {
                "image": _DIGEST,
                "bytes": {"type": "integer"},
                "width": {"type": "integer"},
                "height": {"type": "integer"},
                "format": {"type": "string"},
            }
        ),
        "Font": _object(
            {
                "font": _DIGEST,
                "bytes": {"type": "integer"},
                "family": {"type": "string"},
                "style": {"type": "string"},
            }
        ),
        "Letters": _object(
            {
                "text": text,
                "font": {**_DIGEST, "type": ["string", "null"], "pattern": "^([0-9a-f]{64})?$"},
                **measures,
                "background": background,
            },
            "text",
        ),
        "SheetRequest": _object({"letters": _ref("Letters"), "styles": _list(style), **chosen}, "letters"),
        "Transfer": _object(transfer, "styles"),
        "TransferForm": _object(
            {
                **dict.fromkeys((*ONCE, "font"), file),
                "texture": {"type": "string", "pattern": "^[0-9]+x[0-9]+$"},
                "text": text,
                **{name: _rule(rule) for name, rule in RULES.items()},
                "background": background,
                **dict.fromkeys(("style", *FOR_EACH_STYLE), _list(file)),
                "weight": _list({"type": "number", "minimum": 0}),
                "preset": presets,
                "strength": strength,
                **options,
            },
            "style",
        ),
        "EstimateRequest": _object(
            {
                "content": size,
                **drawn,
                "styles": _list(_object({**sides, **dict.fromkeys(OF_A_STYLE, perhaps_size)}, "width", "height")),
                **dict.fromkeys(BESIDES, perhaps_size),
                "region_colours": {"type": "integer", "minimum": 0, "maximum": MOST_COLOURS},
                **chosen,
            },
            "styles",
        ),
        "GridRequest": _object({**transfer, "rows": axis, "columns": axis}, "styles", "rows", "columns"),
        "Grid": _object({"rows": axis, "columns": axis, "jobs": _list(_list(_ID))}),
        "Started": _object(
            {
                "width": {"type": "integer"},
                "height": {"type": "integer"},
                "memory": {"type": "integer"},
                "expected": {"type": "number"},
                "tracing": {"type": "number"},
            }
        ),
        "Event": _object(
            {
                "sequence": {"type": "integer"},
                "time": {"type": "string", "format": "date-time"},
                "kind": {"type": "string"},
            }
        ),
        "Job": _object(
            {
                "id": _ID,
                "state": _ref("State"),
                "created": {"type": "string", "format": "date-time"},
                "sequence": {"type": "integer"},
            }
        ),
        "Problem": _object(
            {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "code": {"type": "string"},
                "errors": _list(_object({"field": {"type": "string"}, "message": {"type": "string"}})),
            }
        ),
    }


def _option(entry: Json) -> Json:
    text = {"description": f"{entry['help']} ({entry['accepts']})"}
    if entry["choices"]:
        return {**text, "enum": entry["choices"]}
    if entry["kind"] == "text":
        return {**text, "type": "string"}
    number = {"type": entry["kind"], "minimum": entry["minimum"], "maximum": entry["maximum"]}
    return {**text, "oneOf": [number, {"enum": entry["words"]}]} if entry["words"] else {**text, **number}


def _rule(rule: Rule) -> Json:
    return {"type": "number", "minimum": rule.minimum, "maximum": rule.maximum, "description": rule.doc}


def _method(summary: str, answers: Json, parameters: list[Json] | None = None, body: Json | None = None) -> Json:
    problem = {"description": "what is wrong", "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    method: Json = {"summary": summary, "responses": {**answers, "default": problem}}
    if parameters:
        method["parameters"] = parameters
    if body is not None:
        method["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return method


def _parameter(name: str, where: str, schema: Json) -> Json:
    return {"name": name, "in": where, "required": where == "path", "schema": schema}


def _object(properties: Json, *required: str) -> Json:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Json) -> Json:
    return {"description": "the answer", "content": {"application/json": {"schema": schema}}}


def _stream(schema: Json) -> Json:
    return {"description": "events", "content": {"text/event-stream": {}, "application/json": {"schema": schema}}}


def _nothing(what: str) -> Json:
    return {"description": what}
