"""Where the HTTP API listens."""

import pytest

from closedwon.api.serving import listening
from closedwon.kernel.errors import ConfigError


def test_a_taken_port_is_told_in_words() -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{port}: .*--port"):
            listening("127.0.0.1", port)
