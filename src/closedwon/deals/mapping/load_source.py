"""The ``source`` part of a mapping, and the SOQL side that follows from its formulas."""

from collections.abc import Mapping

from closedwon.deals.mapping.formulas import Formulas
from closedwon.deals.mapping.outputs import DEAL
from closedwon.deals.mapping.problems import Problem, nearest
from closedwon.deals.mapping.shapes import Form
from closedwon.deals.source import ChildSource, DealSource
from closedwon.formula.schema import Schema

ALWAYS = ("Id", "SystemModstamp")


class SourceLoader:
    """Checks objects and links; ``objects`` tells the object of each collection."""

    def __init__(self, form: Form, schema: Schema, problems: list[Problem]) -> None:
        self._form = form
        self._schema = schema
        self._problems = problems
        self._absent: set[str] = set()
        children: Mapping[str, Form] = form["children"] or {}
        self.objects: dict[str, str] = {DEAL: form.text("root")}
        self._object(form, "root")
        for name, child in children.items():
            if name == DEAL:
                self._note(child, f"a child named {DEAL}", "another name")
            optional = child.text("optional", "no") == "yes"
            if optional and child.text("object") not in schema:
                self._absent.add(name)
            else:
                self._object(child, "object")
            self._parent(child)
            self.objects[name] = child.text("object")

    def deal_source(self, formulas: Formulas) -> DealSource:
        """The fields to read: what formulas read, plus links, ids and stamps."""
        children: Mapping[str, Form] = self._form["children"] or {}
        present = {name: form for name, form in children.items() if name not in self._absent}
        closed_on = self._form.text("closed_on", "CloseDate")
        formulas.read(DEAL, closed_on)
        for name, form in present.items():
            formulas.read(name, form.text("link"))
            formulas.read(name, form.text("to_root"))
            formulas.read(name, form.text("order_by", "Id"))
            parent, _, field = form.text("parent").partition(".")
            if parent in self.objects and field:
                formulas.read(parent, field)
        return DealSource(
            root=self.objects[DEAL],
            trigger=self._form.text("trigger"),
            closed_on=closed_on,
            fields=self._fields(DEAL, formulas),
            children=tuple(
                ChildSource(
                    name=name,
                    object_name=form.text("object"),
                    link=form.text("link"),
                    parent=form.text("parent"),
                    to_root=form.text("to_root"),
                    fields=self._fields(name, formulas),
                    order_by=form.text("order_by", "Id"),
                )
                for name, form in present.items()
            ),
        )

    def _fields(self, collection: str, formulas: Formulas) -> tuple[str, ...]:
        known = self._schema.get(self.objects[collection], {})
        always = [*ALWAYS, "Name"] if "Name" in known else list(ALWAYS)
        return tuple(sorted(formulas.paths(collection) | set(always)))

    def _object(self, form: Form, key: str) -> None:
        name = form.text(key)
        if form[key] is not None and name not in self._schema:
            near = nearest(name, self._schema)
            problem = Problem(
                spot=form[key].spot, found=name, expected="an object of the org", nearest=near
            )
            self._problems.append(problem)
            return
        for link in ("link", "order_by", "closed_on"):
            field = form.text(link)
            if field and field not in self._schema.get(name, {}):
                near = nearest(field, self._schema.get(name, {}))
                self._note(form, f"{link}: {field}", f"a field of {name}", near)

    def _parent(self, form: Form) -> None:
        parent, _, field = form.text("parent").partition(".")
        fields = self._schema.get(self.objects.get(parent, ""), {})
        if parent not in self.objects or not field:
            known = " or ".join(f"{name}.<field>" for name in self.objects)
            self._note(form, f"parent: {form.text('parent')}", known)
        elif parent not in self._absent and field not in fields:
            expected = f"a field of {self.objects[parent]}"
            self._note(form, f"parent: {parent}.{field}", expected, nearest(field, fields))

    def _note(self, form: Form, found: str, expected: str, near: str = "") -> None:
        problem = Problem(spot=form.spot, found=found, expected=expected, nearest=near)
        self._problems.append(problem)
