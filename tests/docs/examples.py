"""Runs the examples of the book, and compares the output: examples.py [--update] [PAGE ...]

Each page that has examples runs in a folder of its own, against a Snowglobe of its own, with the variables of
`firn demo --stay` set. It runs

- every `console` block: lines that begin with `$ ` are commands of one shell, the lines below them are their output; a failure
  adds `[exit code N]`;
- every `sql` block that a `text` block follows, or that a comment `<!-- runs -->` precedes: its statements, as FIRN_OWNER; the
  text block is the last one's result;
- the commands of every HTML comment that begins with `run:`, without a comparison: set-up that the page does not show.

After a comment `<!-- varies -->` only the kinds of lines of a block are compared, without numbers and without their order.

With `--update` the output of the run replaces the old one. Output that differs between runs or between versions
is not compared: times after those of the examples, durations, ports and process ids, secrets, the hash in a staged
file's name.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from difflib import unified_diff
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BINARIES = TARGET / "debug"
BLOCK = re.compile(
    r"^<!-- run:\n(?P<silent>.*?)-->|^(?P<fence>```(?P<kind>console|sql|text)[^\n]*\n)(?P<body>.*?)^```$", re.M | re.S
)
SECONDS = 120
# All times in the examples' own data are before this month.
NOW = "2026-07"
VARIES = "<!-- varies -->\n"
RUNS = "<!-- runs -->\n"
BUCKET = "firn-landing"


class Snowglobe:
    def __init__(self) -> None:
        words = [
            str(BINARIES / "snowglobe"),
            "--listen",
            "127.0.0.1:0",
            "--s3",
            "127.0.0.1:0",
            "--account",
            "FIRN",
            "--bucket",
            BUCKET,
        ]
        self.secrets = {
            "SNOWGLOBE_ADMIN_TOKEN": "book-token",
            "SNOWGLOBE_S3_KEY_ID": "BOOKKEY",
            "SNOWGLOBE_S3_SECRET": "book-secret",
        }
        self.process = subprocess.Popen(words, env=os.environ | self.secrets, stdout=subprocess.PIPE, text=True)
        urls: dict[str, str] = {}
        for line in self.process.stdout or []:
            name, _, rest = line.partition(" ")
            if name in ("Snowflake", "S3"):
                urls[name] = rest.split()[0]
            if len(urls) == 2:
                break
        self.url, self.s3 = urls["Snowflake"], urls["S3"]

    def variables(self) -> dict[str, str]:
        host, port = self.url.removeprefix("http://").split(":")
        return {
            "SNOWFLAKE_ACCOUNT": "FIRN",
            "SNOWFLAKE_HOST": host,
            "SNOWFLAKE_PORT": port,
            "SNOWFLAKE_PROTOCOL": "http",
            "SNOWFLAKE_ROLE": "FIRN_OWNER",
            "SNOWFLAKE_TOKEN": "book-token",
            "AWS_ENDPOINT_URL_S3": self.s3,
            "AWS_ACCESS_KEY_ID": "BOOKKEY",
            "AWS_SECRET_ACCESS_KEY": "book-secret",
            "AWS_REGION": "us-east-1",
        }

    def call(self, path: str, body: dict | None = None) -> dict:
        headers = {"Authorization": "Bearer book-token", "Content-Type": "application/json", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return {"failed": json.load(error).get("message", str(error))}

    def sql(self, text: str) -> str:
        """The last statement's result, as a table."""
        body = {
            "statement": text,
            "role": "FIRN_OWNER",
            "warehouse": "FIRN_WH",
            "database": "FIRN",
            "schema": "PUBLIC",
            "parameters": {"MULTI_STATEMENT_COUNT": "0"},
        }
        answer = self.call("/api/v2/statements", body)
        for handle in answer.get("statementHandles", [])[-1:]:
            answer = self.call(f"/api/v2/statements/{handle}")
        if "failed" in answer:
            return f"{answer['failed']}\n"
        names = [column["name"].lower() for column in answer["resultSetMetaData"]["rowType"]]
        rows = [names] + [["null" if cell is None else cell for cell in row] for row in answer["data"]]
        widths = [max(len(row[at]) for row in rows) for at in range(len(names))]
        rows.insert(1, ["-" * width for width in widths])
        return "".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


class Shell:
    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        environment = {
            "HOME": str(folder),
            "PATH": f"{BINARIES}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            **variables,
        }
        words = ["timeout", str(SECONDS), "bash", "--norc"]
        self.process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, command: str) -> str:
        end = "~end of the command~"
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{command}\nprintf '%s %d\\n' '{end}' $?\n")
        self.process.stdin.flush()
        output = []
        for line in self.process.stdout:
            before, found, code = line.partition(end)
            output.append(before)
            if found:
                text = "".join(output)
                text += "" if not text or text.endswith("\n") else "\n"
                return text + ("" if int(code) == 0 else f"[exit code {int(code)}]\n")
        raise SystemExit(f"the shell ended, or took longer than {SECONDS} s: {command}")

    def stop(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(timeout=30)


def commands(body: str) -> list[str]:
    """The commands of a console block: each begins with `$ `, and continues on lines that begin with `> `."""
    found: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif line.startswith("> ") and found:
            found[-1] += f"\n{line[2:]}"
    return found


def typed(command: str) -> str:
    first, *rest = command.split("\n")
    return "".join([f"$ {first}\n", *(f"> {line}\n" for line in rest)])


def compared(text: str) -> list[str]:
    """The lines of an output, without the parts that differ between runs."""

    def time(match: re.Match[str]) -> str:
        return match.group(0) if match.group(0) < NOW else "TIME"

    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", time, text)
    text = re.sub(r"TIME +\d+\.\d+", "TIME SECONDS", text)
    text = re.sub(r"\b\d+\.\d+( s\b)|(in the last day: |in the last 24 hours: )[\d.]+", r"\1\2N", text)
    text = re.sub(r'("seconds": )[\d.]+', r"\1N", text)
    text = re.sub(r"(?<=-)[0-9a-f]{16}(?=[.-])", "HASH", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", text)
    return [re.sub(r" {2,}", "  ", line) for line in text.splitlines()]


def kinds(text: str) -> set[str]:
    return {re.sub(r"[\d\s]+", "", line) for line in text.splitlines()}


def run_page(page: Path) -> str:
    """The page with the outputs of this run."""
    text = page.read_text(encoding="utf-8")
    folder = Path(tempfile.mkdtemp(prefix="firn-book-"))
    snowglobe = Snowglobe()
    shell = Shell(folder, snowglobe.variables())
    result: str | None = None

    def replaced(match: re.Match[str]) -> str:
        nonlocal result
        kind, body = match.group("kind"), match.group("body")
        output, result = result, None
        if match.group("silent") is not None:
            said = shell.run(match.group("silent").strip())
            if "[exit code" in said:
                raise SystemExit(f"{page.relative_to(ROOT)}: {match.group('silent')}{said}")
        elif kind == "console":
            new = "".join(typed(command) + shell.run(command) for command in commands(body))
            varies = text[: match.start()].endswith(VARIES) and kinds(body) == kinds(new)
            return match.group(0) if varies else f"{match.group('fence')}{new}```"
        elif kind == "sql" and text[match.end() :].lstrip("\n").startswith("```text"):
            result = snowglobe.sql(body)
        elif kind == "sql" and text[: match.start()].endswith(RUNS):
            snowglobe.sql(body)
        elif kind == "text" and output is not None:
            return f"{match.group('fence')}{output}```"
        return match.group(0)

    try:
        return BLOCK.sub(replaced, text)
    finally:
        shell.stop()
        snowglobe.stop()
        shutil.rmtree(folder)


def pages() -> list[Path]:
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    has_examples = re.compile(r"^```console|^<!-- run:", re.M)
    return [page for page in every if has_examples.search(page.read_text(encoding="utf-8"))]


def main() -> int:
    update = "--update" in sys.argv
    chosen = [Path(name).resolve() for name in sys.argv[1:] if not name.startswith("--")] or pages()
    wrong = 0
    for page in chosen:
        old, new = page.read_text(encoding="utf-8"), run_page(page)
        if compared(old) == compared(new):
            continue
        wrong += 1
        name = str(page.relative_to(ROOT))
        if update:
            page.write_text(new, encoding="utf-8")
            print(f"{name}: updated")
        else:
            sys.stdout.writelines(
                f"{line}\n" for line in unified_diff(compared(old), compared(new), name, "this run", lineterm="", n=1)
            )
    print(f"{len(chosen)} pages with examples, {wrong} of them {'updated' if update else 'wrong'}")
    if wrong and not update:
        print("if the new output is right: make docs-update")
    return 1 if wrong and not update else 0


if __name__ == "__main__":
    sys.exit(main())
