"""The channels of the settings: where events and invoices go, each over a client of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Final

import httpx
from pydantic import SecretStr

from closedwon.delivery import Channel, InvoiceChannel, WebhookChannel, webhooks
from closedwon.delivery.meters import MeterChannel
from closedwon.delivery.provider import Provider
from closedwon.delivery.providers import Files, InvoiceWebhook, Stripe, stripe
from closedwon.engine import Engine
from closedwon.kernel.errors import ConfigError
from closedwon.settings import Settings
from closedwon.step import Step
from closedwon.sync.deliver import Deliver
from closedwon.sync.meter import Meter
from closedwon.transport import Limits, open_client
from closedwon.transport.client import require_private
from closedwon.wiring.markets import marketplaces
from closedwon.wiring.target import bills_here

NOTHING_DELIVERED: Final[Mapping[str, Any]] = {
    "webhook_urls": {},
    "invoice_directory": None,
    "invoice_webhook_url": "",
    "stripe_api_key": SecretStr(""),
    "aws_access_key_id": "",
    "azure_client_id": "",
    "gcp_client_email": "",
}
"""Settings under which no channel exists, for rehearsals."""


def delivers(settings: Settings) -> bool:
    """Whether anything is configured to be delivered; what a remote target bills, it delivers."""
    return bills_here(settings) and any(
        getattr(settings, name) != nothing for name, nothing in NOTHING_DELIVERED.items()
    )


def metering(settings: Settings, engine: Engine) -> tuple[Step, ...]:
    """The step that has marketplaces told; none without credentials for any."""
    names = {
        "aws_marketplace": settings.aws_access_key_id,
        "azure_marketplace": settings.azure_client_id,
        "gcp_marketplace": settings.gcp_client_email,
    }
    chosen = tuple(name for name, login in names.items() if login)
    return (Meter(engine=engine, marketplaces=chosen),) if chosen else ()


def deliveries(
    settings: Settings, opened: ExitStack, engine: Engine, clock: Callable[[], datetime]
) -> tuple[Step, ...]:
    """The deliver step over every channel; none when nothing is configured.

    Clients are closed with ``opened``. Raises ConfigError for a channel that cannot work.
    """
    if not delivers(settings):
        return ()
    found = channels(settings, opened, engine, clock)
    return (Deliver(stores=engine.stores, channels=found, clock=clock),)


def channels(
    settings: Settings, opened: ExitStack, engine: Engine, clock: Callable[[], datetime]
) -> tuple[Channel, ...]:
    """Every channel, in a fixed order.

    Raises ConfigError for an endpoint without a secret, or one that is not https.
    """

    def client(limits: Limits) -> httpx.Client:
        made = open_client(limits)
        opened.callback(made.close)
        return made

    seller = settings.invoice_seller
    copies = (
        InvoiceChannel(provider=provider, engine=engine, seller=seller)
        for provider in _copies(settings, client, clock)
    )
    collecting = (
        InvoiceChannel(provider=provider, engine=engine, seller=seller, is_billing_provider=True)
        for provider in _billing_providers(settings, client)
    )
    metering = (
        MeterChannel(marketplace=marketplace, stores=engine.stores)
        for marketplace in marketplaces(settings, client, clock)
    )
    return (*copies, *collecting, *metering, *_endpoints(settings, client, clock))


def _copies(
    settings: Settings, client: Callable[[Limits], httpx.Client], clock: Callable[[], datetime]
) -> Iterator[Provider]:
    if settings.invoice_directory is not None:
        yield Files(directory=settings.invoice_directory)
    if settings.invoice_webhook_url:
        secret = settings.invoice_webhook_secret.get_secret_value()
        if not secret:
            raise ConfigError("invoice_webhook_url needs invoice_webhook_secret")
        yield InvoiceWebhook(
            url=require_private(settings.invoice_webhook_url),
            secret=secret,
            client=client(webhooks.LIMITS),
            clock=clock,
        )


def _billing_providers(
    settings: Settings, client: Callable[[Limits], httpx.Client]
) -> Iterator[Provider]:
    key = settings.stripe_api_key.get_secret_value()
    if key:
        yield Stripe(
            api_key=key,
            client=client(stripe.LIMITS),
            leaves_drafts=settings.stripe_leaves_drafts,
            skips_small=settings.stripe_skips_small,
        )


def _endpoints(
    settings: Settings,
    client: Callable[[Limits], httpx.Client],
    clock: Callable[[], datetime],
) -> Iterator[WebhookChannel]:
    lonely = sorted(settings.webhook_urls.keys() ^ settings.webhook_secrets.keys())
    if lonely:
        raise ConfigError(
            "webhook_urls and webhook_secrets must name the same endpoints",
            endpoints=", ".join(lonely),
        )
    for name, url in sorted(settings.webhook_urls.items()):
        secret = settings.webhook_secrets[name].get_secret_value()
        if not secret:
            raise ConfigError("a webhook endpoint needs a secret that is not empty", endpoint=name)
        yield WebhookChannel(
            name=name,
            url=require_private(url),
            secret=secret,
            client=client(webhooks.LIMITS),
            clock=clock,
        )
