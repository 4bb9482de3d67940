"""The dashboards as the page asks for them: those of the folder, and any file that a reader opens."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import NotFoundError, json_response, own
from accelerapp.server.api.parameters import ParameterError, parameters
from accelerapp.server.api.services import Services
from accelerapp.server.dashboards import Dashboard, DashboardError, read_dashboard
from accelerapp.server.promql import PromQLError, parse, scale_time

PREFIX = "/api/accelerapp/v1"
#: The largest dashboards that people share are below a mebibyte.
_MOST_BYTES = 4 << 20


def routes(services: Services) -> list[Route]:
    """Return the routes over dashboards."""

    def form(dashboard: Dashboard) -> Response:
        interval = services.configuration().scrape_interval
        return json_response({**dashboard.as_json(), "scrape_interval": interval})

    async def dashboards(_: Request) -> Any:
        return [
            {"uid": one.uid, "title": one.title, "description": one.description, "tags": one.tags}
            for one in services.dashboards.values()
        ]

    async def dashboard(request: Request) -> Any:
        uid = request.path_params["uid"]
        if uid not in services.dashboards:
            known = ", ".join(services.dashboards) or "none"
            raise NotFoundError(f"no dashboard with the uid {uid[:80]!r}; there are: {known}")
        return await services.in_query_thread(form, services.dashboards[uid])

    async def read(request: Request) -> Any:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _MOST_BYTES:
                problem = f"the file is larger than {_MOST_BYTES >> 20} MiB, which no dashboard is"
                return json_response({"error": problem}, 413)
        name = request.query_params.get("name", "")[:200] or "the file"

        def reading() -> Response:
            try:
                return form(read_dashboard(bytes(body), name, time_factor=services.time_factor))
            except DashboardError as error:
                return json_response({"error": str(error)}, 400)

        return await services.in_query_thread(reading)

    async def scaled_query(request: Request) -> Any:
        query = (await parameters(request)).get("query", "")
        try:
            return {"query": str(scale_time(parse(query), services.time_factor))}
        except PromQLError as error:
            raise ParameterError(str(error)) from error

    return [
        Route(f"{PREFIX}/dashboards", own(dashboards)),
        Route(f"{PREFIX}/dashboards/{{uid}}", own(dashboard)),
        Route(f"{PREFIX}/read-dashboard", own(read), methods=["POST"]),
        Route(f"{PREFIX}/scaled-query", own(scaled_query)),
    ]
