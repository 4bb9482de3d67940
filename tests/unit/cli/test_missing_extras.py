"""One extra is enough for its own command; what a command misses it names, with what to install."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

#: What only the observatory needs, of which the code-generation service must not know.
SERVER_ONLY = ("duckdb", "google", "nh3", "numpy", "orjson", "re2", "ruamel")


def accelerapp(*arguments: str, missing: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run the command as if these packages were not installed."""
    program = f"""
        import sys

        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {missing!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, Missing())
        sys.argv = ["accelerapp", *{arguments!r}]
        from accelerapp.cli import main
        main()
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_light_library_says_what_the_command_needs() -> None:
    done = accelerapp("--help", missing=("typer",))
    assert done.returncode == 1
    assert (
        done.stderr
        == "accelerapp: the command needs 'typer', which is not installed: pip install 'accelerapp[all]'\n"
    )


@pytest.mark.parametrize("arguments", [("--help",), ("codegen", "serve", "--help"), ("--version",)])
def test_code_generation_needs_nothing_of_the_observatory(arguments: tuple[str, ...]) -> None:
    done = accelerapp(*arguments, missing=SERVER_ONLY)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_observatory_without_its_extra_says_what_it_needs() -> None:
    done = accelerapp("up", "--port", "0", missing=SERVER_ONLY)
    assert done.returncode == 1
    assert done.stderr.startswith("accelerapp: the command needs '")
    assert done.stderr.endswith("which is not installed: pip install 'accelerapp[all]'\n")
