"""Requests that a browser makes for a page of another site, told by the headers that no page can forge."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit


def is_cross_site(headers: Mapping[str, str], own: Collection[str] = ()) -> bool:
    """Tell whether a page of another origin made a request; `headers` have names in lower case.

    Every browser sends Sec-Fetch-Site to this machine or over TLS, and Origin with all that may change something; its
    host must be the request's own or one of `own`, each with its port where that is not the usual one. Programs send
    neither. Follows the Fetch Metadata Request Headers of the W3C.
    """
    site = headers.get("sec-fetch-site")
    if site:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    host = urlsplit(origin).netloc  # none of `null`, which a page in a sandbox has
    return not host or host not in {headers.get("host"), *own}
