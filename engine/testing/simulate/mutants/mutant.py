"""One planted bug, and how it is planted."""

from pathlib import Path

from attrs import frozen

from engine.errors import Misconfigured


@frozen(kw_only=True)
class Mutant:
    """``old`` stands exactly once in ``file`` (below the folder ``engine``), and ``new`` takes its place.

    ``breaks`` says what the bug does to a person who runs the engine. ``hidden``: why a simulated session cannot show
    it, empty where it should. ``rare``: why few sessions show one that counts all the same.
    """

    name: str
    file: str
    old: str
    new: str
    breaks: str
    hidden: str = ""
    rare: str = ""


def plant(mutant: Mutant, engine: Path) -> None:
    """Change the copy of the package ``engine`` in this folder. Raises `Misconfigured` where the text is not there
    exactly once, or what comes of it is no Python."""
    path = engine / mutant.file
    text = path.read_text(encoding="utf-8")
    count = text.count(mutant.old)
    if count != 1:
        raise Misconfigured(
            f"The mutant {mutant.name} looks for text that stands {count} times in {mutant.file}, not once: the code "
            "has changed, write the mutant anew."
        )
    changed = text.replace(mutant.old, mutant.new)
    try:
        compile(changed, mutant.file, "exec")
    except SyntaxError as error:
        raise Misconfigured(f"The mutant {mutant.name} makes no Python of {mutant.file}: {error}.") from error
    path.write_text(changed, encoding="utf-8")
