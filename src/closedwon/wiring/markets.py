"""Marketplaces of the settings."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx

from closedwon.delivery import remote
from closedwon.delivery.marketplaces import Aws, Azure, Gcp
from closedwon.delivery.metering import Marketplace
from closedwon.kernel.errors import ConfigError
from closedwon.settings import Settings
from closedwon.transport import Limits


def marketplaces(
    settings: Settings, client: Callable[[Limits], httpx.Client], clock: Callable[[], datetime]
) -> Iterator[Marketplace]:
    """Those that credentials are configured for; raises ConfigError for half of them."""
    if settings.aws_access_key_id:
        yield Aws(
            access_key_id=settings.aws_access_key_id,
            secret_access_key=_given(
                "aws_secret_access_key", settings.aws_secret_access_key.get_secret_value()
            ),
            client=client(remote.LIMITS),
            clock=clock,
        )
    if settings.azure_client_id:
        yield Azure(
            tenant_id=_given("azure_tenant_id", settings.azure_tenant_id),
            client_id=settings.azure_client_id,
            client_secret=_given(
                "azure_client_secret", settings.azure_client_secret.get_secret_value()
            ),
            client=client(remote.LIMITS),
        )
    if settings.gcp_client_email:
        yield Gcp(
            client_email=settings.gcp_client_email,
            private_key=_key(settings.gcp_private_key_file),
            client=client(remote.LIMITS),
            clock=clock,
        )


def _given(name: str, text: str) -> str:
    if not text:
        raise ConfigError(f"a marketplace needs {name}")
    return text


def _key(file: Path | None) -> str:
    if file is None:
        raise ConfigError("a marketplace needs gcp_private_key_file")
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {file}") from error
