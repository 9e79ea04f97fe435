"""The server of the local org."""

from socket import IPPROTO_TCP, TCP_NODELAY, create_connection

from closedwon.devorg.http.server import listening


def test_small_answers_are_sent_at_once() -> None:
    with listening("127.0.0.1", 0) as listener, create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(IPPROTO_TCP, TCP_NODELAY) != 0
