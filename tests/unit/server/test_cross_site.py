"""What a browser sends for a page of another site is told from what programs and our own page send."""

from __future__ import annotations

import pytest

from accelerapp.server.cross_site import is_cross_site

HOST = {"host": "localhost:9090"}


@pytest.mark.parametrize(
    ("headers", "crosses"),
    [
        pytest.param({}, False, id="a program"),
        pytest.param({"sec-fetch-mode": "cors"}, False, id="a program on Node"),
        pytest.param(
            {"sec-fetch-site": "same-origin", "origin": "http://localhost:9090"}, False, id="our page"
        ),
        pytest.param({"sec-fetch-site": "none"}, False, id="typed by a person"),
        pytest.param({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, True, id="a page"),
        pytest.param(
            {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"}, True, id="a port beside"
        ),
        pytest.param(
            {"sec-fetch-site": "cross-site", "origin": "http://localhost:9090"}, True, id="redirected"
        ),
        pytest.param(
            {"sec-fetch-site": "same-origin", "origin": "https://grafana.example"},
            False,
            id="through a proxy",
        ),
        pytest.param({"origin": "http://localhost:9090"}, False, id="our page without Sec-Fetch-Site"),
        pytest.param({"origin": "https://evil.example"}, True, id="a page without Sec-Fetch-Site"),
        pytest.param({"origin": "http://localhost"}, True, id="the usual port"),
        pytest.param({"origin": "http://localhost.evil.example:9090"}, True, id="a name that begins alike"),
        pytest.param({"origin": "null"}, True, id="a page in a sandbox"),
        pytest.param({"origin": ""}, True, id="an empty origin"),
        pytest.param({"origin": "https://observe.example"}, False, id="the URL that people use"),
        pytest.param({"origin": "https://observe.example:8443"}, True, id="another port of it"),
    ],
)
def test_cross_site(headers: dict[str, str], crosses: bool) -> None:
    assert is_cross_site({**HOST, **headers}, ["observe.example"]) is crosses


def test_no_url_that_people_use_lets_no_page_in() -> None:
    assert is_cross_site({**HOST, "origin": "null"}, [""])
    assert is_cross_site({"origin": "null"}, [])
