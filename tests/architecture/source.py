"""The project's own source, as trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
SERVICE = SOURCE / "ml_connector"
SIMULATORS = SOURCE / "vendor_simulators"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Module:
    """One file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its path below `src/`, or below the project."""
        base = SOURCE if self.path.is_relative_to(SOURCE) else ROOT
        return self.path.relative_to(base).as_posix()

    def with_functions(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield every node with the innermost function that it stands in, by name."""
        yield from _below(self.tree, "")

    def imported(self) -> Iterator[tuple[str, str | None]]:
        """Yield what is imported: the module, and the name out of it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield from ((node.module, alias.name) for alias in node.names)

    def said_in_code(self) -> Iterator[str]:
        """Yield every text that is not a docstring."""
        prose = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            match node:
                case ast.Constant(value=str(text)) if id(node) not in prose:
                    yield text


@cache
def modules(folder: Path = SOURCE) -> tuple[Module, ...]:
    """Return every module below a folder."""
    return tuple(
        Module(path, text, ast.parse(text))
        for path in sorted(folder.rglob("*.py"))
        for text in [path.read_text("utf-8")]
    )


def folders(below: Path) -> list[Path]:
    """Return the packages directly below a folder."""
    return sorted(path.parent for path in below.glob("*/__init__.py"))


def _below(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        yield function, child
        yield from _below(child, child.name if isinstance(child, Function) else function)
