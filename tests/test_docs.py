"""What the documents show is run: every command, every strategy, every settings file.

The blocks of one document are run in their order in one empty folder, as a reader would. A comment on the line before a
block may say more: ``<!-- test: file NAME -->`` saves the block there, so that the commands after it can use it;
``<!-- test: skip-run REASON -->`` keeps its commands from being run, but their flags must exist all the same;
``<!-- test: serve REASON -->`` starts its one command and lets it serve all blocks after it.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine import errors
from engine.app.cli import build_app, read_line
from engine.exchange.faults import KINDS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(path.name for path in ROOT.glob("*.md"))
SHORT_S = "1"
"""A document says ``--for 10``; a test has less time."""
COMMAND_MAX_S = 90
"""The longest takes some eight seconds alone; a machine that runs all tests at once may be many times slower."""
SHOWN_PORT = "8765"
"""Documents name a port; on the machine of a test it may be taken."""
GAPLESS = [sys.executable, "-c", "from engine.app.cli import main; main()"]
SETTING_UP = ("python3 scripts/", "pip install ", "export ")
LANGUAGES = {"bash", "python", "toml", "json", "text"}


@dataclass(frozen=True)
class Block:
    """One fenced block: where it is, what it holds, and what the comment before it says."""

    line: int
    language: str
    text: str
    verb: str = ""
    rest: str = ""

    @property
    def commands(self) -> list[str]:
        """Its command lines, continuations joined."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks_of(text: str) -> Iterator[Block]:
    """Every fenced block of a document."""
    pattern = re.compile(
        r"^(?:<!-- test: (?P<verb>\S+) (?P<rest>.*?) -->\n)?```(?P<language>\w*)\n(?P<body>.*?)^```$",
        re.MULTILINE | re.DOTALL,
    )
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        yield Block(line, match["language"], match["body"], match["verb"] or "", match["rest"] or "")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def environment(folder: Path) -> dict[str, str]:
    """That of a reader with this gapless, whose order files are their own."""
    return os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state_home")}


def start_gapless(arguments: list[str], folder: Path, settings: dict[str, str]) -> "subprocess.Popen[str]":
    """Start a command as a reader would."""
    return subprocess.Popen(
        [*GAPLESS, *arguments],
        cwd=folder,
        env=environment(folder) | {"NO_COLOR": "1"} | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(block: Block, folder: Path) -> Iterator[None]:
    """The command of a block that serves, as long as the rest of its document needs it."""
    (command,) = block.commands
    with start_gapless(shlex.split(command)[1:], folder, {}) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), f"line {block.line}: {command} did not start to serve"
        try:
            yield
        finally:
            process.terminate()
            process.communicate(timeout=COMMAND_MAX_S)


def run_gapless(command: str, folder: Path) -> str:
    """Run one documented command briefly; returns what is wrong with it, or nothing."""
    words = shlex.split(command)
    settings = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        settings[name] = value
    arguments = words[1:]
    if "--for" in arguments:
        arguments[arguments.index("--for") + 1] = SHORT_S
    with start_gapless(arguments, folder, settings) as process:
        allowed = {0}
        serving_says = {"exchange": process.stdout, "guard": process.stderr}.get(arguments[0])
        if serving_says is not None and "--help" not in arguments:  # it serves until told to stop
            serving_says.readline()
            process.terminate()
            allowed = {0, 130, 143}
        try:
            _, said = process.communicate(timeout=COMMAND_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"did not end within {COMMAND_MAX_S} s"
    return "" if process.returncode in allowed else f"exit code {process.returncode}: {said.strip()[-400:]}"


def run_pytest(command: str, folder: Path) -> str:
    """Run the tests that a document shows, as in a project of their reader; returns what is wrong, or nothing."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # look no further up for settings
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "engine.testing.plugin", "--strict-markers", *shlex.split(command)[1:]],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * COMMAND_MAX_S,
    )
    return f"exit code {done.returncode}: {done.stdout[-2000:]}" if done.returncode else ""


def understood(command: str) -> str:
    """Whether the command line means something, without running it."""
    try:
        read_line(shlex.split(command)[1:])
    except Exception as error:  # noqa: BLE001 - whatever the parser objects to is what the reader would meet
        return str(error)
    return ""


def check_command(command: str, block: Block, folder: Path) -> str:
    """What is wrong with one line of a bash block, or nothing."""
    if command.startswith("python3 scripts/"):
        return "" if (ROOT / command.split()[1]).is_file() else "there is no such script"
    if command.startswith(SETTING_UP):
        return ""
    if command.startswith("pytest "):
        return run_pytest(command, folder)
    if not re.match(r"(?:\w+=\S* )*gapless ", command):
        return "no test knows how to check this"
    return understood(command) if block.verb == "skip-run" else run_gapless(command, folder)


def check_block(block: Block, folder: Path) -> Iterator[str]:
    """Everything that is wrong with one block."""
    if block.verb not in {"", "file", "skip-run", "serve"} or bool(block.verb) != bool(block.rest):
        yield f"line {block.line}: the comment before it needs 'file NAME' or 'skip-run REASON'"
    if block.language not in LANGUAGES:
        yield f"line {block.line}: a block needs one of the languages {', '.join(sorted(LANGUAGES))}"
    if block.verb == "file":
        (folder / block.rest).write_text(block.text, encoding="utf-8")
    if block.language == "toml":
        tomllib.loads(block.text)
    if block.language == "python":
        compile(block.text, f"line {block.line}", "exec")
    if block.language == "python" and block.verb == "":
        done = subprocess.run(
            [sys.executable, "-c", block.text],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=COMMAND_MAX_S,
        )
        if done.returncode:
            yield f"line {block.line}: {done.stderr[-400:]}"
    if block.language == "bash" and block.verb != "serve":
        for command in block.commands:
            if wrong := check_command(command, block, folder):
                yield f"line {block.line}: {command}: {wrong}"


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_shows_works(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace(SHOWN_PORT, str(free_port()))
    wrong: list[str] = []
    with ExitStack() as stack:
        for block in blocks_of(text):
            wrong += check_block(block, tmp_path)
            if block.verb == "serve":
                stack.enter_context(serving(block, tmp_path))
    assert not wrong, "\n".join(wrong)


def test_every_block_is_seen() -> None:
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("\n```") + text.startswith("```") == 2 * len(list(blocks_of(text))), name


def test_a_block_that_nobody_can_check_is_a_failure(tmp_path: Path) -> None:
    for text in (
        "```bash\nfrobnicate --now\n```\n",
        "```sh\ngapless list\n```\n",
        "```bash\npython3 scripts/no.py\n```\n",
        "```bash\npytest test_no.py\n```\n",
    ):
        assert list(check_block(next(blocks_of(text)), tmp_path))
    skipped = "<!-- test: skip-run it needs keys -->\n```bash\ngapless run --no-such-flag\n```\n"
    assert list(check_block(next(blocks_of(skipped)), tmp_path))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_the_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = {f"gapless {name}" for name in build_app().commands}
    assert commands == set(re.findall(r"^\| `(gapless \w+)`", readme, re.MULTILINE))


def test_the_readme_lists_every_exit_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Exit codes")[2].partition("\n## ")[0]
    listed = {
        int(number) for cell in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for number in cell.split(",")
    }
    used = {0, 130, 143}
    for cls in vars(errors).values():
        with suppress(AttributeError):
            used.add(cls.exit_code)
    assert listed == used


def test_the_exchange_page_lists_every_fault_with_its_keys() -> None:
    page = (ROOT / "EXCHANGE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ?(.*?) ?\|$", page, re.MULTILINE)
    of_every_kind = {"for", "next", "p", "events", "cut"}
    assert {kind: (says, set(re.findall(r"`(\w+)`", keys))) for kind, says, keys in rows if kind in KINDS} == {
        kind: (row.says, set(row.options) - of_every_kind) for kind, row in KINDS.items()
    }
