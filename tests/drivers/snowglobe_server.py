"""Starts a Snowglobe for the driver tests, on free ports. It stops when the tests end."""

import atexit
import os
import secrets
import subprocess
import sys
from pathlib import Path

# By default the drivers ask cloud metadata services which platform they run on.
os.environ["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true"
ROOT = Path(__file__).resolve().parents[2]
TOKEN = secrets.token_hex(16)


def start(data: str | None = None) -> tuple[str, int]:
    """Starts a Snowglobe and returns host and port of its Snowflake API."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    program = target / "debug" / "snowglobe"
    arguments = [program, "--listen", "127.0.0.1:0", "--s3", "127.0.0.1:0", "--account", "FIRN"]
    if data:
        arguments += ["--data", data]
    environment = {**os.environ, "SNOWGLOBE_ADMIN_TOKEN": TOKEN}
    if data:
        del environment["SNOWGLOBE_ADMIN_TOKEN"]
    child = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
    atexit.register(child.wait, timeout=20)
    atexit.register(child.terminate)
    for line in child.stdout:
        word, address, *_ = [*line.split(), "", ""]
        if word == "Snowflake":
            host, port = address.removeprefix("http://").rsplit(":", 1)
            return host, int(port)
    raise RuntimeError("snowglobe exited before it printed its address")


def main(command: list[str]) -> int:
    """Runs a command, such as the tests of a driver in another language, with the address of a Snowglobe in its environment."""
    host, port = start()
    variables = {"SNOWGLOBE_HOST": host, "SNOWGLOBE_PORT": str(port), "SNOWGLOBE_TOKEN": TOKEN}
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
