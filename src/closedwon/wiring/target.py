"""Where terms are provisioned, as the settings say (docs/targets.md)."""

from collections.abc import Callable
from contextlib import ExitStack

import httpx

from closedwon.engine import Engine
from closedwon.kernel.errors import ConfigError
from closedwon.ports import Target
from closedwon.settings import Settings
from closedwon.targets import EmbeddedTarget, MetronomeTarget
from closedwon.targets.metronome.remote import LIMITS, Remote
from closedwon.transport import Patience, open_client
from closedwon.transport.client import require_private


def bills_here(settings: Settings) -> bool:
    """Whether our own engine makes the invoices; else it only is the copy plans are made of."""
    return settings.target == "embedded"


def chosen_target(
    settings: Settings, opened: ExitStack, engine: Engine, sleep: Callable[[float], None]
) -> Target:
    """The target of the settings; its client is closed with ``opened``. Raises ConfigError."""
    if bills_here(settings):
        return EmbeddedTarget(engine)
    return remote_target(settings, opened, engine, sleep)


def remote_target(
    settings: Settings, opened: ExitStack, engine: Engine, sleep: Callable[[float], None]
) -> MetronomeTarget:
    """The remote target; raises ConfigError when none is set, or not completely."""
    token = settings.target_token.get_secret_value()
    if bills_here(settings):
        raise ConfigError("terms are provisioned in our own engine; set target to metronome")
    for name, value in (("target_url", settings.target_url), ("target_token", token)):
        if not value:
            raise ConfigError(f"target = {settings.target!r} needs the setting {name}")
    client = open_client(LIMITS)
    opened.callback(client.close)
    remote = Remote(
        client=client,
        url=_base_address(settings.target_url),
        token=token,
        patience=Patience(sleep=sleep),
    )
    return MetronomeTarget(engine, EmbeddedTarget(engine), remote)


def _base_address(url: str) -> str:
    """It is shown, and kept with what was asked there, so it holds no secret."""
    found = httpx.URL(require_private(url))
    if found.userinfo or found.query or found.fragment:
        raise ConfigError(
            "target_url is an address such as https://host, without user, query or fragment; the"
            " credential is target_token",
            host=found.host,
        )
    return url.rstrip("/")
