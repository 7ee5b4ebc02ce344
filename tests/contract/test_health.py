"""What those who watch a worker see: `/metrics`, `/livez`, `/readyz`."""

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from worker.health import watching


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("edoc_steps", "Steps.", registry=registry).inc(3)
    return registry


def test_a_worker_is_ready_while_nothing_speaks_against_it(registry: CollectorRegistry) -> None:
    against: list[str] = []
    with watching("127.0.0.1", 0, registry=registry, ready=lambda: against) as port:
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/readyz").json() == {"ready": True, "reasons": []}
        against.append("this machine's clock is +90 seconds off the database's")
        answer = httpx.get(f"{url}/readyz")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "reasons": against}
        assert httpx.get(f"{url}/livez").status_code == 200
        assert "edoc_steps_total 3.0" in httpx.get(f"{url}/metrics").text
        assert httpx.get(f"{url}/other").status_code == 404
