"""The platforms that code is generated for."""

from __future__ import annotations

from collections.abc import Mapping

from accelerapp.codegen.arduino import Arduino
from accelerapp.codegen.micropython import MicroPython
from accelerapp.codegen.platform import Platform

PLATFORMS: Mapping[str, Platform] = {platform.id: platform for platform in (MicroPython(), Arduino())}
