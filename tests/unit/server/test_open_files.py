"""The observatory asks for as many open files as its segments need."""

from __future__ import annotations

import resource

from accelerapp.server.app import raise_open_files


def test_the_limit_of_open_files_is_raised_and_never_lowered() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        raise_open_files(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300
        raise_open_files(100)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
