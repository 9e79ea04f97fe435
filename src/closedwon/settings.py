"""What can be configured; read once in wiring.

Order, first one wins: what the caller passes, environment ``CLOSEDWON_*``, files in the secrets
directory, the configuration file (``closedwon.toml`` or ``closedwon.yaml``), the default. Every
setting is one flat name; secrets are never printed.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import time
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError

from closedwon.kernel.errors import ConfigError

PREFIX = "CLOSEDWON_"
FILES = ("closedwon.toml", "closedwon.yaml", "closedwon.yml")
"""Configuration files looked for in the working directory, in this order."""
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
SECRETS_VARIABLE = f"{PREFIX}SECRETS_DIR"
ORG_SECRET_VARIABLE = f"{PREFIX}ORG_SECRET"
"""Secret of ``org serve``: an option of that one command, no setting, but in the same shell."""
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Where systemd's LoadCredential puts secrets."""


class Settings(BaseSettings):
    """Every setting with its meaning, unit and default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    environment: Literal["production", "sandbox"] = Field(
        "sandbox", description="Marks every row written to Salesforce and is part of its key."
    )
    state_dir: Path = Field(
        Path("closedwon-state"), description="Directory of state.db, usage/ and the locks."
    )
    mapping: Path | None = Field(
        None, description="Mapping file in force; the shipped mappings/cpq.yaml when not set."
    )
    older_mappings: tuple[Path, ...] = Field(
        (), description="Earlier mapping files; a deal keeps the one in force at its close date."
    )
    go_live: AwareDatetime | None = Field(
        None, description="Instant the first poll begins at; without it backfill comes first."
    )

    salesforce_login_url: str = Field(
        "https://login.salesforce.com", description="My Domain URL of the org, or the login host."
    )
    salesforce_grant: Literal["client_credentials", "jwt", "password"] = Field(
        "client_credentials", description="How we log in."
    )
    salesforce_client_id: str = Field("", description="Consumer key of the connected app.")
    salesforce_client_secret: SecretStr = Field(
        SecretStr(""), description="Consumer secret, for client_credentials."
    )
    salesforce_private_key_file: Path | None = Field(
        None, description="RSA private key in PEM form, for jwt."
    )
    salesforce_username: str = Field("", description="Integration user, for jwt and password.")
    salesforce_password: SecretStr = Field(SecretStr(""), description="Its password.")
    salesforce_security_token: SecretStr = Field(SecretStr(""), description="Its security token.")
    salesforce_org_id: str | None = Field(
        None, description="18-character id of the only org to accept; any when not set."
    )
    salesforce_api_version: str = Field("60.0", description="REST API version.")
    salesforce_api_share_percent: int = Field(
        50, ge=1, le=100, description="Part of the org's daily API calls we may use."
    )
    salesforce_api_stop_percent: int = Field(
        80, ge=1, le=100, description="Stop when anyone used this part of the daily API calls."
    )

    target: Literal["embedded", "metronome"] = Field(
        "embedded", description="Where terms are provisioned and billed; see docs/targets.md."
    )
    target_url: str = Field(
        "", description="Base address of a remote target, https; closedwon or Metronome."
    )
    target_token: SecretStr = Field(SecretStr(""), description="Bearer token of a remote target.")

    poll_seconds: int = Field(60, ge=5, description="Pause between two runs of the line.")
    poll_overlap_minutes: int = Field(
        10, ge=1, description="How far each poll reaches back for rows committed late."
    )
    settle_seconds: int = Field(
        60, ge=0, description="Rows younger than this are left for the next poll."
    )
    finalize_seconds: int = Field(900, ge=5, description="Pause between two finalize runs.")
    push_seconds: int = Field(300, ge=5, description="Pause between two pushes to Salesforce.")
    push_enabled: bool = Field(
        True, description="Whether Meter_* rows are written; off keeps Salesforce read-only."
    )
    sweep_at: time = Field(time(2, 30), description="Time of day (UTC) of the nightly sweep.")

    billing_grace_hours: int = Field(
        24, ge=0, description="Usage invoices finalize this long after their period (R130)."
    )
    billing_rollover_base: Literal["segment", "commit_total"] = Field(
        "segment", description="What rollover_fraction is a fraction of (R121)."
    )
    billing_corrections: bool = Field(
        False, description="Whether correction invoices may be written; voiding needs no setting."
    )
    billing_drawdown_dates: Literal["segment", "commit"] = Field(
        "segment", description="Whose dates order balances (R175)."
    )
    billing_max_individual_seats: int = Field(
        1000, ge=1, description="Seats of one subscription that may own a credit (R237)."
    )
    usage_backdating_days: int = Field(
        34, ge=0, description="Oldest usage accepted at ingest, in days (R18)."
    )
    usage_metrics_retroactive: bool = Field(
        False, description="Count usage ingested before its metric was created (R27)."
    )

    invoice_seller: str = Field(
        "", description="Name and address printed on invoices, one line each."
    )
    webhook_urls: Mapping[str, str] = Field(
        {}, description="Webhook endpoints, name to https URL; each is told every event (R278)."
    )
    webhook_secrets: Mapping[str, SecretStr] = Field(
        {}, description="Secret each endpoint's messages are signed with, by its name (R277)."
    )
    invoice_directory: Path | None = Field(
        None, description="Every finalized invoice is written here, as JSON and HTML."
    )
    invoice_webhook_url: str = Field(
        "", description="Every finalized invoice is posted here whole, signed; an https URL."
    )
    invoice_webhook_secret: SecretStr = Field(
        SecretStr(""), description="Secret those posts are signed with."
    )
    stripe_api_key: SecretStr = Field(
        SecretStr(""), description="Key invoices of contracts that name Stripe are made with."
    )
    stripe_leaves_drafts: bool = Field(
        False, description="Leave Stripe invoices as drafts for a person to finalize (R294)."
    )
    stripe_skips_small: bool = Field(
        True, description="Leave out invoices of nothing or below Stripe's minimum (R292)."
    )
    aws_access_key_id: str = Field(
        "", description="Access key that may call BatchMeterUsage, for AWS Marketplace."
    )
    aws_secret_access_key: SecretStr = Field(SecretStr(""), description="Its secret.")
    azure_tenant_id: str = Field("", description="Tenant of the Azure marketplace application.")
    azure_client_id: str = Field("", description="Id of that application.")
    azure_client_secret: SecretStr = Field(SecretStr(""), description="Its secret.")
    gcp_client_email: str = Field(
        "", description="Service account that reports to Google Cloud Marketplace."
    )
    gcp_private_key_file: Path | None = Field(None, description="Its RSA private key in PEM form.")
    deliver_seconds: int = Field(
        30, ge=5, description="Pause between two deliveries of webhooks and invoices."
    )

    http_host: str = Field("127.0.0.1", description="Address of health, readiness and metrics.")
    http_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of readiness and metrics; needed off loopback."
    )
    http_port: int = Field(8080, ge=0, le=65535, description="Port of the same; 0 is any free one.")
    api_url: str = Field(
        "", description="Base URL of the API in links it makes; the one asked when not set."
    )
    console_url: str = Field("", description="Base URL shown on Meter_Customer__c; empty hides it.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line written."
    )

    @property
    def state_file(self) -> Path:
        """The one file of state."""
        return self.state_dir / "state.db"

    @property
    def usage_dir(self) -> Path:
        """Directory of the usage store."""
        return self.state_dir / "usage"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 a .env file is not read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 replaced by ours
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller passes, environment, secrets directory, configuration file."""
        sources = [init_settings, env_settings]
        directory = os.environ.get(SECRETS_VARIABLE) or os.environ.get(CREDENTIALS_VARIABLE)
        if directory:
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=directory))
        file = config_file()
        if file is not None and file.suffix == ".toml":
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=file))
        elif file is not None:
            sources.append(YamlConfigSettingsSource(settings_cls, yaml_file=file))
        return tuple(sources)


def config_file() -> Path | None:
    """The file named by the caller, else by CLOSEDWON_CONFIG, else the first of FILES there is."""
    named = _NAMED.get() or os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return next((Path(name) for name in FILES if Path(name).is_file()), None)


def load_settings(config: Path | None = None, **given: Any) -> Settings:
    """Settings from every source; ``given`` wins, ``config`` names the file to read.

    Raises ConfigError naming each wrong setting with its variable and file.
    """
    named = _NAMED.set(config)
    try:
        return _loaded(given)
    finally:
        _NAMED.reset(named)


_NAMED: ContextVar[Path | None] = ContextVar("config_file", default=None)


def _loaded(given: Mapping[str, Any]) -> Settings:
    file = config_file()
    if file is not None and not file.is_file():
        raise ConfigError(f"there is no configuration file {file}", variable=CONFIG_VARIABLE)
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = [name for name in os.environ if name.startswith(PREFIX) and name not in known]
    for name in sorted(set(unknown) - {CONFIG_VARIABLE, SECRETS_VARIABLE, ORG_SECRET_VARIABLE}):
        raise ConfigError(f"{name}: there is no setting {name.removeprefix(PREFIX).lower()!r}")
    try:
        return Settings(**given)
    except ValidationError as error:
        told = "; ".join(_told(one, file) for one in error.errors(include_input=False))
        raise ConfigError(told) from None  # The cause repeats the values, which may be secret.
    except (SettingsError, ValueError) as error:
        raise ConfigError(f"{file or 'environment'}: {error}") from error


def _told(error: Mapping[str, Any], file: Path | None) -> str:
    name = ".".join(str(part) for part in error["loc"])
    variable = f"{PREFIX}{name.upper()}"
    place = variable if variable in os.environ else str(file) if file else variable
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no setting {name!r}"
    return f"{place}: {name}: {error['msg']} (variable {variable})"
