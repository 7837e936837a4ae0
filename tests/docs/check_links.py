"""Checks the links of every Markdown file in the tree, without a network.

A relative link must refer to an existing file or folder, and its anchor to a heading there. Besides links: a path of the
repository in the code of a page, such as `rust/core/src/lib.rs`, must exist, and so must a test after `::`, as in
`properties.rs::any_order`.
With the folder of the built book as an argument, its pages must not load anything from another host.
"""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
EXPLICIT_ANCHOR = re.compile(r"""(?:\{[^}]*#([\w-]+)[^}]*\}|id=["']([\w-]+)["'])""")
CODE = re.compile(r"`([^`\n]+)`")
# The first folder of a path in the tree; other code is a command or a name.
ROOMS = ("rust/", "tests/", "sql/", "docs/", "docker/", "nifi-bundle/", "scripts/", "notebooks/", "bench/")
TEST = re.compile(r"^([\w./-]+\.(?:rs|java|py|slt|mjs|sh))::(\w+)$")
REMOTE = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?(?:https?:)?//[^"'>\s]+[^>]*>""")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()})


def without_code(text: str) -> str:
    """The text with its code blocks blanked line by line, which keeps the line numbers."""
    lines, fence = [], None
    for line in text.splitlines():
        mark = re.match(r"^\s*(`{3,}|~{3,})", line)
        if fence is None and mark:
            fence = mark.group(1)
            line = ""
        elif fence is not None:
            if mark and mark.group(1).startswith(fence):
                fence = None
            line = ""
        lines.append(line)
    return "\n".join(lines)


def slugs(path: Path) -> set[str]:
    """The anchors of a page: explicit ones, and those of its headings."""
    found: set[str] = set()
    for line in without_code(path.read_text(encoding="utf-8")).splitlines():
        found.update(name for pair in EXPLICIT_ANCHOR.findall(line) for name in pair if name)
        heading = HEADING.match(line)
        if not heading:
            continue
        text = re.sub(r"\{[^}]*\}\s*$", "", heading.group(1))
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "")
        words = re.sub(r"[^\w\s-]", "", text).strip().lower()
        is_book = path.is_relative_to(ROOT / "docs")
        slug = re.sub(r"[-\s]+" if is_book else r"\s", "-", words)
        number = 0
        while (name := slug if number == 0 else f"{slug}{'_' if is_book else '-'}{number}") in found:
            number += 1
        found.add(name)
    return found


def problems_of(path: Path, names: dict[str, list[Path]]) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = []
    for number, line in enumerate(without_code(text).splitlines(), 1):
        prose = CODE.sub(lambda code: " " * len(code.group(0)), line)
        links = [match.group(1) for match in LINK.finditer(line) if prose[match.start() : match.start() + 2].strip()]
        wrong = [link_problem(path, link) for link in links]
        wrong += [code_problem(code, names) for code in CODE.findall(line)] if names_code(path) else []
        found += [f"{path.relative_to(ROOT)}:{number}: {problem}" for problem in wrong if problem]
    return found


def names_code(page: Path) -> bool:
    """Whether the code of a page is checked: not in the changelog, and not in pages of Snowglobe, which have other paths."""
    return page.name != "CHANGELOG.md" and not page.is_relative_to(ROOT / "rust/snowglobe")


def link_problem(page: Path, link: str) -> str | None:
    if re.match(r"^[a-z][a-z0-9+.-]*:", link):
        return None
    name, _, anchor = unquote(link).partition("#")
    if name.startswith("/"):
        return f"`{link}` is an absolute path: write a relative one"
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return f"`{link}` leads to no file"
    if page.is_relative_to(ROOT / "docs") and not target.is_relative_to(ROOT / "docs"):
        return f"`{link}` leads out of the book: name the path in code"
    if anchor and target.suffix == ".md" and anchor not in slugs(target):
        return f"`{link}`: no heading of {target.relative_to(ROOT)} has this anchor"
    return None


def code_problem(code: str, names: dict[str, list[Path]]) -> str | None:
    test = TEST.match(code)
    path = test.group(1) if test else code
    if not test and (not path.startswith(ROOMS) or re.search(r"[\s*<>{}$…=]", path)):
        return None
    if path.rstrip("/").endswith(("target", ".jar", ".nar", ".env")) or "/target/" in path:
        return None
    files = [path for path in names.get(Path(path).name, []) if str(path).endswith(code_path(test, code))]
    if not files and not (ROOT / path).exists():
        return f"`{code}` names no file of the tree"
    if test and not any(re.search(rf"\b{re.escape(test.group(2))}\b", file.read_text(encoding="utf-8")) for file in files):
        return f"`{code}`: {path} has no such test"
    return None


def code_path(test: re.Match[str] | None, code: str) -> str:
    path = test.group(1) if test else code
    return path if path.startswith(ROOMS) else f"/{path}"


def remote_problems(site: Path) -> list[str]:
    return [
        f"{page.relative_to(site)} loads from another host: {match.group(0)[:120]}"
        for page in sorted(site.rglob("*.html"))
        for match in REMOTE.finditer(page.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in match.group(0)
    ]


def main() -> int:
    names: dict[str, list[Path]] = {}
    for path in tracked("*"):
        names.setdefault(path.name, []).append(path)
    pages = tracked("*.md")
    problems = [problem for page in pages for problem in problems_of(page, names)]
    if len(sys.argv) > 1:
        problems += remote_problems(Path(sys.argv[1]))
    print("\n".join(problems) if problems else f"{len(pages)} Markdown files: every link leads somewhere")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
