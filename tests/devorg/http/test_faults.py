from closedwon.devorg.http.faults import Fault, Faults


def test_a_fault_hits_the_next_matching_requests_and_no_more() -> None:
    faults = Faults()
    faults.plan(Fault(kind="answer", path="*/composite*", method="POST", times=2))

    assert not faults.take("GET", "/services/data/v60.0/composite/sobjects/Account")
    assert not faults.take("POST", "/services/data/v60.0/sobjects/Account")
    assert set(faults.take("POST", "/services/data/v60.0/composite")) == {"answer"}
    assert set(faults.take("POST", "/services/data/v60.0/composite/sobjects")) == {"answer"}
    assert not faults.take("POST", "/services/data/v60.0/composite")
    assert faults.requests == 5


def test_different_kinds_hit_together_and_one_kind_in_the_order_planned() -> None:
    faults = Faults()
    faults.plan(Fault(kind="answer", status=503))
    faults.plan(Fault(kind="answer", status=500))
    faults.plan(Fault(kind="slow", delay_ms=5))

    first, second = faults.take("GET", "/"), faults.take("GET", "/")

    assert (first["answer"].status, first["slow"].delay_ms) == (503, 5)
    assert second["answer"].status == 500
    assert "slow" not in second


def test_a_row_lock_is_used_up_by_its_hits() -> None:
    faults = Faults()
    faults.lock_row("001x", times=2)

    assert faults.locked(["a", None, 3]) is None
    assert [faults.locked(["a", "001x"]) for _ in range(3)] == ["001x", "001x", None]


def test_clearing_forgets_everything() -> None:
    faults = Faults()
    faults.plan(Fault(kind="drop_after"))
    faults.lock_row("001x")
    faults.clear()

    assert not faults.planned()
    assert not faults.locks()
    assert not faults.take("GET", "/")
