"""The application that is observed: a hardware specification in, a project of firmware out, over HTTP."""

from accelerapp.codegen.backend import GenerationError
from accelerapp.codegen.faults import Faults
from accelerapp.codegen.ollama_standin import ollama_standin
from accelerapp.codegen.project import Project, ProjectFile
from accelerapp.codegen.serve import PortError, serve
from accelerapp.codegen.service import create_app
from accelerapp.codegen.settings import CodegenSettings
from accelerapp.codegen.specification import HardwareSpecification
from accelerapp.codegen.specification_check import SpecificationError, check_specification

__all__ = [
    "CodegenSettings",
    "Faults",
    "GenerationError",
    "HardwareSpecification",
    "PortError",
    "Project",
    "ProjectFile",
    "SpecificationError",
    "check_specification",
    "create_app",
    "ollama_standin",
    "serve",
]
