"""Settings of every process: variables `ORDERS_*` of the environment, secrets also as files."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)


class Settings(BaseSettings):
    """All settings of the product; each is read from the environment variable `ORDERS_` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="ORDERS_", extra="ignore", frozen=True)

    store_url: str = Field(
        default="sqlite+aiosqlite:///.orders/orders.db",
        description="Where records are kept: sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER:PASSWORD@HOST/DB",
    )
    store_pool: int = Field(default=10, ge=1, le=200, description="Most connections to the store per process")
    shop: str = Field(default="shop", pattern=r"^[a-z0-9][a-z0-9-]{0,40}$", description="The shop's id")

    gateway_host: str = Field(default="127.0.0.1", description="Address the gateway listens on")
    gateway_port: int = Field(
        default=8080, ge=0, le=65535, description="Port the gateway listens on; 0 takes a free one"
    )
    public_url: str = Field(default="", description="Address under which the gateway is reached from outside")
    body_limit: int = Field(default=262_144, ge=1_024, description="Most bytes of a request's body")
    hook_rate_per_minute: int = Field(default=120, ge=1, description="Most calls a minute per webhook trigger's code")
    rate_per_minute: int = Field(default=6_000, ge=1, description="Most requests a minute per API key")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "json"
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Port of the worker's Prometheus metrics; 0: none")

    temporal_metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port of the Temporal SDK's metrics in the worker; 0: none"
    )
    pace: float = Field(default=1.0, ge=1.0, description="Divides every wait; for demonstrations only")
    sms_provider: str = Field(default="outbox", description="The provider that sends text messages")
    email_provider: str = Field(default="outbox", description="The provider that sends mails")
    voice_provider: str = Field(default="outbox", description="The provider that makes calls")
    chat_provider: str = Field(default="outbox", description="The provider of WhatsApp, Messenger and SMS chats")
    chat_origins: str = Field(
        default="", description="Sites whose pages may show the web chat, as https://shop.example, by commas; *: any"
    )
    form_origins: str = Field(
        default="*", description="Sites whose pages may show the forms in a frame, as https://shop.example, by commas"
    )
    form_rate_per_minute: int = Field(
        default=60, ge=1, description="Most forms a minute from one address; raise it behind a proxy"
    )
    page_rate_per_minute: int = Field(
        default=600,
        ge=1,
        description="Most documents and links a minute that one address opens; raise it behind a proxy",
    )
    site_origins: str = Field(
        default="", description="Sites whose visits are followed, as https://shop.example, by commas; *: any"
    )
    site_rate_per_minute: int = Field(
        default=600, ge=1, description="Most page views a minute from one address; raise it behind a proxy"
    )
    visitor_days: int = Field(
        default=90, ge=1, le=3_650, description="Days without a visit after which a visitor without a customer goes"
    )
    stray_days: int = Field(
        default=90, ge=1, le=3_650, description="Days after which an event that went to no order loses its content"
    )
    secrets: Path | None = Field(default=None, description="Folder of secrets, one file each, named like the secret")
    webhook_allow_private: bool = Field(default=False, description="Let webhook rules call loopback and plain http")
    lease_seconds: int = Field(default=60, ge=5, description="How long a claimed send belongs to its worker")
    codec_keys: SecretStr | None = Field(
        default=None, description="Encrypts payloads in Temporal: id:base64 of 32 bytes, the first key encrypts"
    )
    default_mailbox: str = Field(default="", description="Mailbox that mails are sent from by default")
    mailboxes: str = Field(
        default="", description="Mailboxes that rules may send from, separated by commas; none given: any"
    )
    reply_address: str = Field(
        default="",
        pattern=r"^$|^[^@\s<>+]{1,16}@[^@\s<>]+$",
        description="Address that customers' answers come in by; each mail's has a token of its own: reply+…@",
    )
    token_keys: SecretStr | None = Field(
        default=None, description="Signs links that leave the house; of several, separated by commas, the first signs"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, then files of the secrets' folder, named like the variables."""
        folder = os.environ.get("ORDERS_SECRETS")
        files = (SecretsSettingsSource(settings_cls, secrets_dir=folder),) if folder else ()
        return init_settings, env_settings, *files

    def channels(self) -> dict[str, str]:
        """Return the name of each channel's provider."""
        return {
            "sms": self.sms_provider,
            "email": self.email_provider,
            "voice": self.voice_provider,
            "chat": self.chat_provider,
        }

    @field_validator("store_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("write sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE")
        return value
