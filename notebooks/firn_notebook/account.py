"""The account of a notebook: the Snowflake account in the environment, or a local Snowglobe."""

import atexit
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import snowflake.connector

from .paths import program

BUCKET = "firn-landing"
# The connector logs its own start as a warning.
logging.getLogger("snowflake.connector").setLevel(logging.ERROR)


class Account:
    """A connection as the owner of Firn's tables."""

    def __init__(self, settings: dict, name: str):
        self.name = name
        self._connection = snowflake.connector.connect(
            **settings,
            role=os.environ.get("SNOWFLAKE_ROLE") or "FIRN_OWNER",
            warehouse=os.environ.get("SNOWFLAKE_WAREHOUSE") or "FIRN_WH",
            database=os.environ.get("FIRN_DATABASE") or "FIRN",
            schema=os.environ.get("FIRN_SCHEMA") or "PUBLIC",
            enable_server_session_keep_alive_auto_detection=True,
        )
        atexit.register(self.close)

    def query(self, sql: str, values: tuple = ()) -> pd.DataFrame:
        """Runs a query and returns its rows, with lower case column names."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            names = [column.name.lower() for column in cursor.description]
            return pd.DataFrame(cursor.fetchall(), columns=names)

    def run(self, sql: str, values: tuple = ()) -> int:
        """Runs a statement and returns the number of affected rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.rowcount or 0

    def close(self) -> None:
        """Closes the session. The end of the notebook does this too."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"account {self.name}"


class Local(Account):
    """A Snowglobe with Firn's tables, started by this notebook. It stops when the notebook ends."""

    def __init__(self):
        self._children: list[subprocess.Popen] = []
        self.folder = Path(tempfile.mkdtemp(prefix="firn-notebook-"))
        atexit.register(self.stop)
        token, key, secret = secrets.token_hex(16), f"FIRN{secrets.token_hex(8).upper()}", secrets.token_hex(20)
        credentials = {"SNOWGLOBE_ADMIN_TOKEN": token, "SNOWGLOBE_S3_KEY_ID": key, "SNOWGLOBE_S3_SECRET": secret}
        arguments = ["--listen", "127.0.0.1:0", "--s3", "127.0.0.1:0", "--account", "FIRN", "--bucket", BUCKET]
        child = self.start("snowglobe", arguments, environment=credentials, stdout=subprocess.PIPE)
        addresses: dict[str, str] = {}
        for line in child.stdout:
            word, url, *_ = [*line.split(), "", ""]
            if word in ("Snowflake", "S3"):
                addresses[word] = url
            if len(addresses) == 2:
                break
        else:
            raise RuntimeError("snowglobe exited before it printed its addresses")
        host, port = addresses["Snowflake"].removeprefix("http://").rsplit(":", 1)
        self.environment = {
            "SNOWFLAKE_ACCOUNT": "FIRN",
            "SNOWFLAKE_HOST": host,
            "SNOWFLAKE_PORT": port,
            "SNOWFLAKE_PROTOCOL": "http",
            "SNOWFLAKE_TOKEN": token,
            "AWS_ENDPOINT_URL_S3": addresses["S3"],
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "FIRN_STAGE_URL": f"s3://{BUCKET}/",
        }
        self.firn("bootstrap")
        settings = {
            "account": "FIRN",
            "user": "SNOWGLOBE",
            "password": token,
            "host": host,
            "port": int(port),
            "protocol": "http",
        }
        super().__init__(settings, "FIRN of a local Snowglobe")

    def start(self, name: str, arguments: list[str], environment: dict | None = None, **more) -> subprocess.Popen:
        """Starts a program that runs until the notebook ends."""
        variables = {**os.environ, **(environment or self.environment)}
        child = subprocess.Popen([program(name), *arguments], env=variables, text=True, stdin=subprocess.DEVNULL, **more)
        self._children.append(child)
        return child

    def firn(self, *arguments: str) -> str:
        """Runs a ``firn`` command and returns its output. Raises RuntimeError with its message if it fails."""
        done = subprocess.run(
            [program("firn"), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise RuntimeError(f"firn {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def stop(self) -> None:
        """Stops all programs and deletes their files."""
        if hasattr(self, "_connection"):
            self.close()
        for child in reversed(self._children):
            child.terminate()
        for child in self._children:
            child.wait(timeout=20)
        self._children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def from_environment() -> Account | None:
    """The account in the environment, with the variables of Snowflake's own tools; None if there is none."""
    if "SNOWFLAKE_ACCOUNT" in os.environ:
        known = {"account": "ACCOUNT", "user": "USER", "host": "HOST", "port": "PORT", "protocol": "PROTOCOL"}
        settings = {key: os.environ[f"SNOWFLAKE_{name}"] for key, name in known.items() if f"SNOWFLAKE_{name}" in os.environ}
        if key_file := os.environ.get("SNOWFLAKE_PRIVATE_KEY_FILE"):
            settings |= {"authenticator": "SNOWFLAKE_JWT", "private_key_file": key_file}
            if passphrase := os.environ.get("PRIVATE_KEY_PASSPHRASE"):
                settings["private_key_file_pwd"] = passphrase
        elif token := os.environ.get("SNOWFLAKE_TOKEN"):
            settings |= {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": token}
        return Account(settings, settings["account"])
    if name := os.environ.get("SNOWFLAKE_DEFAULT_CONNECTION_NAME"):
        return Account({"connection_name": name}, name)
    return None
