"""A collector of OpenTelemetry's traces by HTTP, in protobuf and JSON."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from authproxy.demo.cloudrun import App


@asynccontextmanager
async def collector() -> AsyncIterator[App]:
    """Takes spans at `/v1/traces` and tells their names at `/spans`."""
    names: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v1/traces":
            names.extend(_names(_content(request, await request.read())))
            return web.Response(content_type=request.content_type)
        return web.Response(text=" ".join(names))

    yield handle


def _content(request: web.Request, body: bytes) -> dict[str, Any]:
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    content: dict[str, Any]
    if request.content_type == "application/json":
        content = json.loads(body)
    else:
        content = MessageToDict(ExportTraceServiceRequest.FromString(body))
    return content


def _names(content: dict[str, Any]) -> list[str]:
    return [
        span["name"]
        for resource in content["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
