"""The table in CONFORMANCE.md is true: it lists every method of the SDK, and what it calls exercised is exercised.

What the SDK has is asked of the SDK, so a new version with a new method fails here until somebody drives it or says why
not. What is exercised is read in the source of these tests: ``x.method`` counts for the class that ``x`` is annotated
with, or was made from. A new way of naming a client may not be seen; then the table seems to claim too much, never too
little.
"""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import walk_packages

import alpaca.data
import alpaca.trading
from alpaca.common.rest import RESTClient
from alpaca.data.live.websocket import DataStream

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "CONFORMANCE.md"
ROW = re.compile(r"^\| `(\w+)\.(\w+)` \| (yes|no) \| (.*?) ?\|$", re.MULTILINE)
SHARE_MIN = 0.95
"""Of the methods that belong to trading and data."""

Method = tuple[str, str]
Env = Mapping[str, frozenset[str]]
NONE: frozenset[str] = frozenset()


def clients() -> dict[str, type]:
    """Every client and stream of the SDK's trading and data parts, and the one whose verbs all clients share."""
    found: dict[str, type] = {"RESTClient": RESTClient}
    for package in (alpaca.data, alpaca.trading):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            classes = inspect.getmembers(import_module(module.name), inspect.isclass)
            found |= {name: cls for name, cls in classes if name.endswith(("Client", "Stream"))}
    return {name: cls for name, cls in found.items() if cls is not DataStream}


CLIENTS = clients()


def owner(name: str, method: str) -> Method:
    """Where the table lists a method: the verbs beneath all clients are listed once."""
    shared = getattr(CLIENTS[name], method, None) is getattr(RESTClient, method, NONE)
    return ("RESTClient" if shared else name, method)


def methods() -> set[Method]:
    """Every public method of the SDK, by class."""
    return {
        owner(name, method)
        for name, cls in CLIENTS.items()
        for method, _ in inspect.getmembers(cls, callable)
        if not method.startswith("_")
    }


def classes_in(node: ast.expr | None, aliases: Env) -> frozenset[str]:
    """The clients that an annotation, or the right side of an assignment, names."""
    match node:
        case ast.Name(id=name):
            return frozenset({name}) if name in CLIENTS else aliases.get(name, NONE)
        case ast.BinOp(left=left, right=right):
            return classes_in(left, aliases) | classes_in(right, aliases)
        case ast.Call(func=ast.Name() as made):
            return classes_in(made, aliases)
    return NONE


def names_in(tree: ast.AST, aliases: Env) -> Iterator[tuple[str, frozenset[str]]]:
    """What is annotated with a client or made from one in a piece of source, by its name."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=note) | ast.AnnAssign(target=ast.Name(id=name), annotation=note):
                yield name, classes_in(note, aliases)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, classes_in(value, aliases)


def exercised() -> set[Method]:
    """Every method that the source of these tests reaches for on a client."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(HERE.rglob("*.py"))]
    fields = {
        name: found
        for tree in trees
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        for name, found in names_in(ast.Module([each for each in cls.body if isinstance(each, ast.AnnAssign)], []), {})
        if found
    }
    reached: set[Method] = set()
    for tree in trees:
        aliases = {
            node.target.id: classes_in(node.value, {})
            for node in tree.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            known = dict(names_in(function, aliases))
            for node in ast.walk(function):
                match node:
                    case ast.Attribute(value=ast.Name(id=name), attr=method):
                        reached |= {owner(each, method) for each in known.get(name, NONE)}
                    case ast.Attribute(value=ast.Attribute(attr=name), attr=method):
                        reached |= {owner(each, method) for each in fields.get(name, NONE)}
    return reached


def rows() -> dict[Method, tuple[str, str]]:
    """The table: by method whether it is exercised, and the remark."""
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    table = {(cls, method): (verdict, remark) for cls, method, verdict, remark in found}
    assert len(table) == len(found), "a method is listed twice"
    return table


def test_the_table_lists_every_method_of_the_sdk_and_no_other() -> None:
    listed, there = set(rows()), methods()
    assert not there - listed, "methods of the SDK that CONFORMANCE.md does not list"
    assert not listed - there, "methods in CONFORMANCE.md that the SDK does not have"


def test_what_the_table_calls_exercised_is_what_the_tests_call() -> None:
    claimed = {method for method, (verdict, _) in rows().items() if verdict == "yes"}
    assert claimed == exercised() & methods()


def test_nearly_all_is_exercised_and_the_rest_has_a_reason() -> None:
    table = rows()
    verdicts = [verdict for verdict, _ in table.values()]
    assert verdicts.count("yes") >= SHARE_MIN * len(verdicts)
    assert all(remark for verdict, remark in table.values() if verdict == "no")
    page = PAGE.read_text(encoding="utf-8")
    assert f"{verdicts.count('yes')} of {len(verdicts)}" in page
    assert f"| alpaca-py {'.'.join(version('alpaca-py').split('.')[:2])}," in page
