"""Channels from settings: nothing configured is nothing at all; mistakes are told at the start."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import respx

from closedwon.engine.events import emit
from closedwon.kernel.errors import ConfigError
from closedwon.settings import Settings, load_settings
from closedwon.store.database import writing
from closedwon.sync.deliver import Deliver
from closedwon.wiring import App, build
from closedwon.wiring.delivery import delivers
from closedwon.wiring.jobs import Runner
from closedwon.wiring.rehearsal import rehearsal

NOW = datetime(2024, 3, 2, tzinfo=UTC)
URL = "https://hooks.example/in"
ONE: Mapping[str, Any] = {"webhook_urls": {"crm": URL}, "webhook_secrets": {"crm": "hush"}}


def app(directory: Path, **given: Any) -> App:
    return build(Settings(state_dir=directory, **given), clock=lambda: NOW)


def jobs(settings: Settings) -> set[str]:
    runner = Runner(settings, lambda: NOW, lambda _seconds: None)
    return {job.name for job in runner._jobs()}


def test_without_configuration_there_is_no_step_and_no_job(tmp_path: Path) -> None:
    with app(tmp_path) as one:
        assert one.delivering == ()
        assert [step.name for step in one.closing] == ["watch", "finalize", "seal"]
    assert not delivers(one.settings)
    assert "deliver" not in jobs(one.settings)


@respx.mock
def test_endpoints_of_the_settings_are_told_events(tmp_path: Path) -> None:
    route = respx.post(URL).respond(200)
    with app(tmp_path, **ONE) as one:
        assert [step.name for step in one.closing] == ["watch", "finalize", "deliver", "seal"]
        with writing(one.db):
            emit(one.engine.stores, "alerts.x", {"alert_id": "a"}, NOW)
        (step,) = one.delivering
        assert step.run(NOW).done == 1
    assert route.call_count == 1
    assert "deliver" in jobs(one.settings)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"webhook_urls": {"crm": URL}}, "must name the same endpoints"),
        ({"webhook_urls": {"crm": URL}, "webhook_secrets": {"erp": "x"}}, "crm, erp"),
        ({"webhook_urls": {"crm": URL}, "webhook_secrets": {"crm": ""}}, "not empty"),
        ({"invoice_webhook_url": URL}, "invoice_webhook_secret"),
        ({"aws_access_key_id": "AKID"}, "aws_secret_access_key"),
        ({"azure_client_id": "app", "azure_client_secret": "x"}, "azure_tenant_id"),
        ({"azure_client_id": "app", "azure_tenant_id": "t"}, "azure_client_secret"),
        ({"gcp_client_email": "me@x"}, "gcp_private_key_file"),
        ({"gcp_client_email": "me@x", "gcp_private_key_file": "/nowhere"}, "cannot read"),
        (
            {"webhook_urls": {"crm": "http://hooks.example/in"}, "webhook_secrets": {"crm": "x"}},
            "https",
        ),
    ],
)
def test_an_endpoint_that_cannot_work_is_told(
    tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    with app(tmp_path, **given) as one, pytest.raises(ConfigError, match=told):
        _ = one.delivering


def test_each_setting_makes_its_channel(tmp_path: Path) -> None:
    given = {
        **ONE,
        "invoice_directory": tmp_path / "invoices",
        "invoice_webhook_url": URL,
        "invoice_webhook_secret": "hush",
        "stripe_api_key": "sk_canary",
        "aws_access_key_id": "AKID",
        "aws_secret_access_key": "sk_canary",
        "azure_tenant_id": "t",
        "azure_client_id": "app",
        "azure_client_secret": "sk_canary",
        "gcp_client_email": "me@x",
        "gcp_private_key_file": tmp_path / "key.pem",
    }
    (tmp_path / "key.pem").write_text("sk_canary")
    for name in ("invoice_directory", "stripe_api_key"):
        assert delivers(Settings(state_dir=tmp_path, **{name: given[name]}))
    with app(tmp_path, **given) as one:
        (step,) = one.delivering
        assert isinstance(step, Deliver)
        names = [(channel.kind, channel.name) for channel in step.channels]
        assert names == [
            ("invoice", "files"),
            ("invoice", "invoice-webhook"),
            ("invoice", "stripe"),
            ("metering", "aws_marketplace"),
            ("metering", "azure_marketplace"),
            ("metering", "gcp_marketplace"),
            ("webhook", "crm"),
        ]
        assert [step.name for step in one.closing] == [
            "watch",
            "finalize",
            "meter",
            "deliver",
            "seal",
        ]
        assert "hush" not in repr(step)
        assert "sk_canary" not in repr(step)


def test_a_rehearsal_delivers_nothing(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, **ONE)
    with rehearsal(settings, lambda: NOW, lambda _seconds: None) as one:
        assert one.delivering == ()


def test_endpoints_come_from_file_and_secrets_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "closedwon.toml"
    file.write_text('webhook_urls = { crm = "https://a.example", erp = "https://b.example" }\n')
    monkeypatch.setenv("CLOSEDWON_WEBHOOK_SECRETS", '{"crm": "hush-a", "erp": "hush-b"}')

    found = load_settings(file)

    assert found.webhook_urls == {"crm": "https://a.example", "erp": "https://b.example"}
    assert found.webhook_secrets["erp"].get_secret_value() == "hush-b"
    assert "hush" not in repr(found)
