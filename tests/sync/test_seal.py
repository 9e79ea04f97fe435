from datetime import UTC, datetime
from pathlib import Path

from closedwon.sync.seal import Seal
from closedwon.usage import open_usage
from closedwon.usage.types import UsageEvent

NOW = datetime(2025, 1, 2, tzinfo=UTC)


def test_a_seal_reports_the_events_it_moved_and_leaves_none_for_the_next(tmp_path: Path) -> None:
    log = open_usage(tmp_path)
    events = [
        UsageEvent(transaction_id=str(n), customer_id="c", event_type="t", timestamp=NOW)
        for n in range(3)
    ]
    log.ingest(events, NOW)
    step = Seal(seal=lambda now: log.seal(now, events_min=2))

    assert [step.run(NOW).done, step.run(NOW).done] == [3, 0]
    assert log.senders() == {"c": 3}
    log.close()


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = open_usage(tmp_path)

    assert not Seal(seal=log.seal).run(NOW).changed_anything
    log.close()
