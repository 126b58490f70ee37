"""The application's GraphQL documents as data: parsed, joined with their fragments, sorted by what may be sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe.observation import Json

if TYPE_CHECKING:
    from graphql import DocumentNode, FragmentDefinitionNode, Node, OperationDefinitionNode

OperationKind = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that the application sends."""

    name: str
    """Its name; for the only, nameless one of a file, the file's stem."""
    kind: OperationKind
    file: str
    line: int
    document: str
    """What is sent: the operation and the fragments that it needs, as they are written."""
    named: bool = True
    required: tuple[str, ...] = ()
    """Variables that must be given: not nullable, and without a default."""
    node: OperationDefinitionNode = field(repr=False, compare=False, kw_only=True)
    fragments: tuple[FragmentDefinitionNode, ...] = field(default=(), repr=False, compare=False)

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def operation_name(self) -> str:
        """What goes into the request: empty for a nameless operation."""
        return self.name if self.named else ""

    @property
    def root_field(self) -> str:
        """The first field that a query asks the query type for; empty for mutations, subscriptions, fragments only."""
        from graphql import FieldNode

        first = self.node.selection_set.selections[0]
        plain = isinstance(first, FieldNode) and not first.name.value.startswith("__")
        return first.name.value if self.kind == "query" and isinstance(first, FieldNode) and plain else ""


def load(files: Mapping[str, str]) -> tuple[Operation, ...]:
    """The operations in `files` (path as shown → text), in order; fragments are shared by all files.

    Raises ConfigError with every `file:line`: syntax errors, names used twice, unknown fragments, fragments in a
    circle, schema definitions among the operations, and files without any operation at all.
    """
    problems: list[str] = []
    documents = {file: document for file, text in files.items() if (document := _parsed(file, text, problems))}
    fragments = _fragments(documents, problems)
    found = [
        operation
        for file, document in documents.items()
        for operation in _operations(file, document, fragments, problems)
    ]
    problems += _twice({operation.name: [] for operation in found}, found)
    if not found and not problems:
        problems.append(f"no GraphQL operation in {', '.join(files) or 'the files that operations names'}")
    if problems:
        raise ConfigError(*problems)
    return tuple(found)


def left_out(operation: Operation, variables: Mapping[str, Json] | None) -> str:
    """Why an operation is validated only and not sent; empty where it can be sent."""
    if operation.kind != "query":
        return f"{operation.kind}s are validated only"
    missing = [name for name in operation.required if name not in (variables or {})]
    return f"no value for ${', $'.join(missing)}: validated only" if missing else ""


def depth(operation: Operation) -> int:
    """How deep its selections are nested; a field of the root has depth 1, fragments count where they are spread."""
    from graphql import FieldNode, FragmentSpreadNode, SelectionSetNode

    fragments = {fragment.name.value: fragment for fragment in operation.fragments}
    known: dict[str, int] = {}

    def deepest(selections: SelectionSetNode | None) -> int:
        return max((below(selection) for selection in selections.selections), default=0) if selections else 0

    def below(selection: object) -> int:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in known:
                known[name] = deepest(fragments[name].selection_set)
            return known[name]
        nested = deepest(getattr(selection, "selection_set", None))
        return nested + 1 if isinstance(selection, FieldNode) else nested

    return deepest(operation.node.selection_set)


def _parsed(file: str, text: str, problems: list[str]) -> DocumentNode | None:
    from graphql import GraphQLSyntaxError, Source, parse

    try:
        return parse(Source(text, file), max_tokens=100_000)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        problems.append(f"{file}:{line}: {error.message}")
    except RecursionError:
        problems.append(f"{file}:1: the document is nested too deeply")
    return None


def _line(node: Node) -> int:
    return node.loc.start_token.line if node.loc else 1


def _fragments(documents: Mapping[str, DocumentNode], problems: list[str]) -> dict[str, FragmentDefinitionNode]:
    from graphql import FragmentDefinitionNode, OperationDefinitionNode

    found: dict[str, FragmentDefinitionNode] = {}
    places: dict[str, str] = {}
    for file, document in documents.items():
        for node in document.definitions:
            place = f"{file}:{_line(node)}"
            if isinstance(node, FragmentDefinitionNode):
                name = node.name.value
                if name in found:
                    problems.append(f"{place}: fragment {name} is already defined at {places[name]}")
                found.setdefault(name, node)
                places.setdefault(name, place)
            elif not isinstance(node, OperationDefinitionNode):
                problems.append(f"{place}: a schema definition among the operations; name it by `schema` instead")
    return found


def _operations(
    file: str, document: DocumentNode, fragments: Mapping[str, FragmentDefinitionNode], problems: list[str]
) -> Iterator[Operation]:
    from graphql import OperationDefinitionNode

    nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    for node in nodes:
        if node.name is None and len(nodes) > 1:
            problems.append(f"{file}:{_line(node)}: a nameless operation must be the only one of its file")
            continue
        needed = _needed(file, node, fragments, problems)
        yield _operation(file, node, needed)


def _operation(file: str, node: OperationDefinitionNode, needed: tuple[FragmentDefinitionNode, ...]) -> Operation:
    from graphql import NonNullTypeNode

    required = tuple(
        definition.variable.name.value
        for definition in node.variable_definitions or ()
        if isinstance(definition.type, NonNullTypeNode) and definition.default_value is None
    )
    return Operation(
        name=node.name.value if node.name else file.rpartition("/")[2].rpartition(".")[0] or file,
        kind=node.operation.value,
        file=file,
        line=_line(node),
        document="\n\n".join(_written(part) for part in (node, *needed)),
        named=node.name is not None,
        required=required,
        node=node,
        fragments=needed,
    )


def _written(node: Node) -> str:
    return node.loc.source.body[node.loc.start : node.loc.end] if node.loc else ""


def _needed(
    file: str, node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], problems: list[str]
) -> tuple[FragmentDefinitionNode, ...]:
    """The fragments that `node` spreads, directly or not, each once."""
    needed: dict[str, FragmentDefinitionNode] = {}
    _gather(node, fragments, needed, (), problems, file)
    return tuple(needed.values())


def _gather(
    node: Node,
    fragments: Mapping[str, FragmentDefinitionNode],
    needed: dict[str, FragmentDefinitionNode],
    above: tuple[str, ...],
    problems: list[str],
    file: str,
) -> None:
    for name, line in _spreads(node):
        place = f"{node.loc.source.name if node.loc else file}:{line}"
        if name in above:
            problems.append(f"{place}: fragments in a circle: {' → '.join((*above, name))}")
        elif name not in fragments:
            problems.append(f"{place}: fragment {name} is not defined in any of the files")
        elif name not in needed:
            needed[name] = fragments[name]
            _gather(fragments[name], fragments, needed, (*above, name), problems, file)


def _spreads(node: Node) -> list[tuple[str, int]]:
    from graphql import FragmentSpreadNode, Visitor, visit

    found: list[tuple[str, int]] = []

    class Spreads(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: object) -> None:
            found.append((spread.name.value, _line(spread)))

    visit(node, Spreads())
    return found


def _twice(places: dict[str, list[str]], found: Collection[Operation]) -> list[str]:
    for operation in found:
        places[operation.name].append(operation.place)
    return [f"{at[1]}: operation {name} is already defined at {at[0]}" for name, at in places.items() if len(at) > 1]
