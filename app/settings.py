"""The environment, parsed once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from core.http.pins import origins

PREFIX = "COURSEFLOW_SYNC_"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class BadSettings(Exception):
    """The environment cannot be used; the message names the variable and what it needs."""


class Settings(BaseSettings):
    """Every variable begins with COURSEFLOW_SYNC_."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    database_url: Annotated[str, Field(description="the ledger's database")] = (
        "sqlite:///var/ledger.db"
    )
    safe_url: Annotated[
        str, Field(description="the safe's database; with SQLite by default beside the ledger's")
    ] = ""
    broker_url: Annotated[str, Field(description="memory:, redis://… or amqp://…")] = "memory:"
    key_file: Annotated[Path, Field(description="the key-encryption keys")] = Path("var/key.json")
    postgresql_bin: Annotated[
        Path | None, Field(description="the folder of pg_dump and pg_restore; else PATH")
    ] = None
    platform_urls: Annotated[
        dict[str, str], Field(description="JSON: platform to another base address")
    ] = {}
    allow_insecure_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(description="host:port,… that may be reached without TLS or at a private address"),
    ] = ()
    base_url: Annotated[
        str, Field(description="where people reach serve, as it stands in links to its pages")
    ] = "http://127.0.0.1:8000"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="how much is logged")
    ] = "INFO"

    @field_validator("allow_insecure_hosts", mode="before")
    @classmethod
    def split(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        try:
            origins(value)
        except ValueError:
            raise ValueError(
                "write host:port with commas between them, as in 127.0.0.1:8001,127.0.0.1:8801"
            ) from None
        return value

    @field_validator("platform_urls")
    @classmethod
    def callable_addresses(cls, value: dict[str, str]) -> dict[str, str]:
        for platform, url in value.items():
            if not is_address(url):
                raise ValueError(
                    f"write the address of {platform:.50} as https://HOST/PATH, without a user, "
                    "a password or a query in it"
                )
        return value

    @field_validator("base_url")
    @classmethod
    def reachable(cls, value: str) -> str:
        """What stands before a path. Links are credentials, so they travel over TLS only."""
        try:
            parts = urlsplit(value)
            here = parts.hostname in LOOPBACK
        except ValueError:
            parts, here = SplitResult("", "", "", "", ""), False
        secure = parts.scheme == "https" or (parts.scheme == "http" and here)
        if not (secure and parts.hostname) or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(
                "write the https:// address of this service, as in https://sync.example.nl; "
                "http:// is for 127.0.0.1 only"
            )
        return value.rstrip("/")

    @property
    def safe_database_url(self) -> str:
        """Raises BadSettings where none is named for the safe."""
        if self.safe_url:
            return self.safe_url
        if self.database_url.startswith("sqlite:///"):
            ledger = Path(self.database_url.removeprefix("sqlite:///"))
            return f"sqlite:///{ledger.with_name(f'{ledger.stem}-safe.db')}"
        if not self.database_url.startswith("postgresql"):
            raise BadSettings(
                "COURSEFLOW_SYNC_DATABASE_URL cannot be used. Write sqlite:///FILE or "
                "postgresql+psycopg://USER@HOST/NAME."
            )
        raise BadSettings(
            "COURSEFLOW_SYNC_SAFE_URL is not set. With PostgreSQL the safe needs a database of "
            "its own, for example postgresql+psycopg://USER@HOST/courseflow_safe."
        )


def is_address(url: str) -> bool:
    """Whether it can be the beginning of what is called; whether it may be, the way out says."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    plain = not (parsed.userinfo or parsed.query or parsed.fragment)
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and plain


def from_environment() -> Settings:
    """Raises BadSettings."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{str(problem['loc'][0]).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise BadSettings(f"The environment cannot be used. {problems}.") from None
    except SettingsError:
        raise BadSettings(
            f"{PREFIX}PLATFORM_URLS is not JSON. Write for example "
            '{"mailman": "http://127.0.0.1:8001/3.1"}.'
        ) from None
