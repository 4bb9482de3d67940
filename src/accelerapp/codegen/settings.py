"""The settings of the code-generation service, each an environment variable `ACCELERAPP_CODEGEN_…`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, AnyHttpUrl, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict


class CodegenSettings(BaseSettings):
    """One table: name, environment variable, default, unit and meaning."""

    model_config = SettingsConfigDict(
        env_prefix="ACCELERAPP_CODEGEN_", extra="ignore", populate_by_name=True, frozen=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8088, ge=0, le=65_535, description="TCP port; 0 takes a free one.")
    backend: Literal["templates", "ollama"] = Field(
        default="templates",
        description="What writes the code: the built-in templates, or a model served by Ollama.",
    )
    ollama_url: AnyHttpUrl = Field(
        default=AnyHttpUrl("http://127.0.0.1:11434"), description="Base URL of Ollama's HTTP API."
    )
    ollama_model: str = Field(default="qwen2.5-coder:7b", min_length=1, description="Name of the model.")
    ollama_connect_timeout: Annotated[float, Field(gt=0)] = Field(
        default=5.0, description="Seconds that connecting to Ollama may take."
    )
    ollama_read_timeout: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Seconds that may pass between two chunks of an answer."
    )
    generation_timeout: Annotated[float, Field(gt=0)] = Field(
        default=110.0, description="Seconds that the model may take for one project, all its calls together."
    )
    ollama_retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=2,
        description="Further calls of the model where it cannot be reached or is busy, within the time above.",
    )
    fallback_to_templates: bool = Field(
        default=False, description="Answer from the templates when the model fails, in place of a 502."
    )
    max_generations: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=32, description="Generations at once; others wait."
    )
    max_waiting: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=128, description="Generations that wait for a turn; the next is answered 429."
    )
    fault_token: SecretStr | None = Field(
        default=None,
        description="Bearer token for /v1/faults, of 8 characters or more; without one the routes answer 404.",
    )
    health_interval: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="Seconds between two runs of the health checks."
    )
    shutdown_timeout: Annotated[int, Field(ge=0)] = Field(
        default=10, description="Seconds that requests in progress are given when the service ends."
    )
    max_request_bytes: Annotated[int, Field(gt=0)] = Field(
        default=262_144, description="Bytes that a request's body may have."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lowest level logged."
    )
    revision: str = Field(
        default="unknown",
        validation_alias=AliasChoices("revision", "ACCELERAPP_CODEGEN_REVISION", "ACCELERAPP_REVISION"),
        description="Revision of the source, for accelerapp_build_info.",
    )

    @field_validator("fault_token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token) < 8:
            # Pydantic's own message speaks of "items".
            raise PydanticCustomError("token_too_short", "the token must have at least 8 characters")
        return token
