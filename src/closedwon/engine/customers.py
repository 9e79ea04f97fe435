"""Commands on customers (R6, R21-R24)."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from closedwon.billing.account import Customer
from closedwon.engine.command import Author, command
from closedwon.engine.fields import check_fields
from closedwon.kernel.errors import Conflict, NotFound, Refused
from closedwon.store.stores import Stores

ALIASES_MAX = 2000
ALIAS_MAX = 128


def create(stores: Stores, customer: Customer, *, by: str, now: datetime) -> None:
    """Add a customer; the same id with the same content again changes nothing.

    Raises Conflict for other content, a CRM account that has a customer, or a taken alias.
    """
    with command(stores, "create", ("customer", customer.id), by=by, now=now) as running:
        known = many(stores, [customer.id]).get(customer.id)
        if known is not None:
            if _as_created(known, customer) != customer:
                raise Conflict("a customer with this id and other content exists", id=customer.id)
            return
        account = customer.salesforce_account_id
        holder = None if account is None else stores.customers.id_of_account(account)
        if holder is not None:
            raise Conflict("the account has a customer already", account=str(account), id=holder)
        _check_aliases(stores, customer.id, customer.ingest_aliases)
        if stores.customers.holders([customer.id]):
            raise Conflict("the id is an alias of another customer (R21)", id=customer.id)
        check_fields(stores, "customer", customer.id, customer.custom_fields)
        stores.customers.add(customer)
        stores.custom_fields.set("customer", customer.id, customer.custom_fields)
        running.changed = True


def set_aliases(
    stores: Stores, customer_id: str, aliases: tuple[str, ...], *, by: str, now: datetime
) -> None:
    """Replace the whole set of aliases; events follow at once for open invoices (R22-R24)."""
    with command(stores, "set_ingest_aliases", ("customer", customer_id), by=by, now=now) as run:
        customer = get(stores, customer_id)
        _check_aliases(stores, customer_id, aliases)
        if customer.ingest_aliases != aliases:
            stores.customers.set_aliases(customer_id, aliases)
            stores.customers.put(replace(customer, updated_at=now))
            run.changed = True


def rename(stores: Stores, customer_id: str, name: str, author: Author) -> None:
    """Give a customer another name; invoices that are final keep the old one (R11)."""
    what = ("customer", customer_id)
    with command(stores, "rename", what, by=author.by, now=author.now) as running:
        customer = get(stores, customer_id)
        if not name:
            raise Refused("a customer needs a name", customer=customer_id)
        if customer.name != name:
            stores.customers.put(replace(customer, name=name, updated_at=author.now))
            running.changed = True


def link_account(stores: Stores, customer_id: str, account: str | None, author: Author) -> None:
    """Say which CRM account a customer is, None for none; raises Conflict for a taken one."""
    what = ("customer", customer_id)
    with command(stores, "link_account", what, by=author.by, now=author.now) as running:
        customer = get(stores, customer_id)
        holder = None if account is None else stores.customers.id_of_account(account)
        if holder not in (None, customer_id):
            raise Conflict("the account has a customer already", account=str(account), id=holder)
        if customer.salesforce_account_id != account:
            changed = replace(customer, salesforce_account_id=account, updated_at=author.now)
            stores.customers.put(changed)
            running.changed = True


def get(stores: Stores, customer_id: str) -> Customer:
    """The customer with its current custom fields; raises NotFound."""
    customer = many(stores, [customer_id]).get(customer_id)
    if customer is None:
        raise NotFound("no such customer", customer=customer_id)
    return customer


def many(stores: Stores, customer_ids: Iterable[str]) -> dict[str, Customer]:
    """Customers by id with their current custom fields; unknown ids are left out."""
    ids = list(customer_ids)
    fields = stores.custom_fields.of("customer", ids)
    return {
        found.id: replace(found, custom_fields=fields.get(found.id, {}))
        for found in stores.customers.many(ids).values()
    }


def _as_created(known: Customer, given: Customer) -> Customer:
    """``known`` with the instants of ``given``, which say nothing about its content."""
    return replace(known, created_at=given.created_at, updated_at=given.updated_at)


def _check_aliases(stores: Stores, customer_id: str, aliases: tuple[str, ...]) -> None:
    if "" in aliases or len(set(aliases)) != len(aliases):
        raise Refused("aliases must be different and not empty", customer=customer_id)
    if len(aliases) > ALIASES_MAX or any(len(alias) > ALIAS_MAX for alias in aliases):
        limits = f"at most {ALIASES_MAX} aliases of at most {ALIAS_MAX} characters"
        raise Refused(limits, customer=customer_id, found=len(aliases))
    for other in stores.customers.many(set(aliases) - {customer_id}):
        message = "the alias is the id of another customer (R21)"
        raise Conflict(message, alias=other, holder=other)
    for alias, holder in sorted(stores.customers.holders(aliases).items()):
        if holder != customer_id:
            raise Conflict("the alias belongs to another customer", alias=alias, holder=holder)
