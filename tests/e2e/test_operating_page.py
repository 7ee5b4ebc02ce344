"""The operator's page works as it is written: its commands are run, on real servers."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from edoc.demo.services import PostgresServer, RedisServer, S3Server

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operating.md"


def test_two_nodes_exchange_a_document_by_the_operators_page(
    tmp_path: Path,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
    s3_server: S3Server,
) -> None:
    names = [f"operating{side}" for side in "ab"]
    s3: dict[str, Any] = s3_server.connection()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
        "SOURCE": str(ROOT),
        "DATABASE_A": postgres_server.ensure_database(names[0]),
        "DATABASE_B": postgres_server.ensure_database(names[1]),
        "REDIS": redis_server.url,
        "S3_ENDPOINT": s3["endpoint"],
        "S3_KEY": s3["access_key"],
        "S3_SECRET": s3["secret_key"],
        "S3_SECURE": "false",
        "BUCKET_A": s3_server.ensure_bucket(names[0]),
        "BUCKET_B": s3_server.ensure_bucket(names[1]),
    }
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    ends = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    script = tmp_path / "page.sh"
    script.write_text(ends + "\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for told in ("DEV Sở Nội vụ tỉnh Bình An", "status-06", "answer-06", "archive"):
        assert told in done.stdout
