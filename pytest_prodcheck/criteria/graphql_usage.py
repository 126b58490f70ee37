"""Which parts of a schema an operation uses: `Task`, `Task.title`, `Query.tasks(limit:)`, `State.OPEN`, `@include`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_prodcheck.criteria.operations import Operation

if TYPE_CHECKING:
    from graphql import (
        ArgumentNode,
        DirectiveNode,
        EnumValueNode,
        FieldNode,
        GraphQLSchema,
        NamedTypeNode,
        Node,
        ObjectFieldNode,
    )


def coordinates(operation: Operation, schema: GraphQLSchema) -> frozenset[str]:
    """What `operation` with its fragments uses of `schema`; what the schema does not have is left out."""
    from graphql import DocumentNode, TypeInfo, TypeInfoVisitor, Visitor, get_named_type, visit

    types, used = TypeInfo(schema), set[str]()

    class Uses(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            parent, field = types.get_parent_type(), types.get_field_def()
            if parent and field:
                used.update((parent.name, f"{parent.name}.{node.name.value}", get_named_type(field.type).name))

        def enter_argument(self, node: ArgumentNode, *_: object) -> None:
            argument, directive = types.get_argument(), types.get_directive()
            parent, field = types.get_parent_type(), types.get_field_def()
            if argument:
                used.add(get_named_type(argument.type).name)
            if directive:
                used.add(f"@{directive.name}({node.name.value}:)")
            elif parent and field:
                used.add(f"{parent.name}.{_name_of(field, parent)}({node.name.value}:)")

        def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
            within = types.get_parent_input_type()
            if within:
                used.update((str(get_named_type(within)), f"{get_named_type(within)}.{node.name.value}"))

        def enter_enum_value(self, node: EnumValueNode, *_: object) -> None:
            enum = types.get_input_type()
            if enum:
                used.add(f"{get_named_type(enum)}.{node.value}")

        def enter_named_type(self, node: NamedTypeNode, *_: object) -> None:
            used.add(node.name.value)
            used.update(_fields_below(node.name.value, schema))

        def enter_directive(self, node: DirectiveNode, *_: object) -> None:
            used.add(f"@{node.name.value}")

    document: Node = DocumentNode(definitions=(operation.node, *operation.fragments))
    visit(document, TypeInfoVisitor(types, Uses()))
    return frozenset(used)


def _fields_below(name: str, schema: GraphQLSchema) -> set[str]:
    """What a variable of an input type may carry: its fields, and theirs."""
    from graphql import GraphQLInputObjectType, get_named_type

    found, open_types, known = set[str](), [name], set[str]()
    while open_types:
        if (name := open_types.pop()) in known:
            continue
        known.add(name)
        if isinstance(kind := schema.get_type(name), GraphQLInputObjectType):
            found |= {name, *(f"{name}.{field}" for field in kind.fields)}
            open_types += [get_named_type(field.type).name for field in kind.fields.values()]
    return found


def _name_of(field: object, parent: object) -> str:
    fields = getattr(parent, "fields", {})
    return next((name for name, known in fields.items() if known is field), "")
