"""``Engine.packages``: contract templates and contracts made from them (R308-R311)."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.catalog.types import Catalog
from closedwon.billing.contracts.gated import ProviderSegment
from closedwon.billing.contracts.packaged import expanded
from closedwon.billing.contracts.packages import Package, PackageOrder
from closedwon.billing.contracts.state import Contract
from closedwon.engine import contracts
from closedwon.engine.checks import check_daily, check_terms
from closedwon.engine.command import Author, command
from closedwon.engine.contracts import EditNote
from closedwon.engine.uniqueness import take_key
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.kernel.instant import midnight
from closedwon.store.keys import Namespace
from closedwon.store.stores import Stores


class Packages:
    """Commands and queries on packages."""

    def __init__(self, stores: Stores, catalog: Callable[[], Catalog]) -> None:
        self._stores = stores
        self._catalog = catalog

    def create(self, package: Package, author: Author) -> Package:
        """Add a package; again the same changes nothing, other content is a Conflict (R308).

        Its terms have to stand on a contract, whenever that begins (R100).
        """
        stores, what = self._stores, ("package", package.id)
        with command(stores, "create", what, by=author.by, now=author.now) as running:
            known = stores.packages.get(package.id)
            if known is not None:
                if _content(known) != _content(package):
                    raise Conflict("a package with this id and other content exists", id=known.id)
                return known
            trial = PackageOrder(customer_id="", starting_at=midnight(author.now.date()))
            signed = expanded(package, "", trial)
            check_terms(self._catalog(), signed.terms, signed.prioritization)
            check_daily(signed.terms.recurring)
            take_key(stores, Namespace.PACKAGE, author.uniqueness_key, package.id, author.now)
            stores.packages.add(package)
            running.changed = True
        return self.get(package.id)

    def get(self, package_id: str) -> Package:
        """A package with its alias windows as they are now; raises NotFound."""
        found = self._stores.packages.get(package_id)
        if found is None:
            raise NotFound("no such package", package=package_id)
        return found

    def named(self, name: str, at: datetime) -> Package:
        """The package with this id, or with this alias at that instant; raises NotFound."""
        return self.get(self._stores.packages.with_alias(name, at) or name)

    def all(self, *, archived: bool = False) -> tuple[Package, ...]:
        """Packages, oldest first; ``archived`` adds those no contract may use any more."""
        found = self._stores.packages.all()
        return tuple(one for one in found if archived or one.archived_at is None)

    def archive(self, package_id: str, author: Author) -> None:
        """Let no new contract use it; contracts it made go on (R308)."""
        what = ("package", package_id)
        with command(self._stores, "archive", what, by=author.by, now=author.now) as running:
            if self.get(package_id).archived_at is None:
                self._stores.packages.archive(package_id, author.now)
                running.changed = True

    def contracts_on(self, package_id: str) -> tuple[str, ...]:
        """Ids of contracts made from a package."""
        return self._stores.packages.contracts_on(package_id)

    def order(
        self,
        name: str,
        contract_id: str,
        order: PackageOrder,
        note: EditNote,
        providers: tuple[ProviderSegment, ...] = (),
    ) -> Contract:
        """Create a contract from a package, named by id or by its alias at the start (R309, R310).

        ``providers`` is the customer's configuration at the package's billing provider (R102).
        Again the same changes nothing. Raises NotFound, and Refused for an archived package.
        """
        package = self.named(name, order.starting_at)
        if package.archived_at is not None and contract_id not in self.contracts_on(package.id):
            raise Refused("the package is archived (R308)", package=package.id)
        signed = expanded(package, contract_id, order)
        if providers:
            signed = replace(signed, settings=replace(signed.settings, providers=providers))
        return contracts.create(self._stores, self._catalog(), contract_id, signed, note)


def _content(package: Package) -> tuple[object, ...]:
    """What never changes: alias windows end when another package takes the alias."""
    names = [name for name in package.__struct_fields__ if name not in ("aliases", "archived_at")]
    return (*(getattr(package, name) for name in names), *(one.name for one in package.aliases))
