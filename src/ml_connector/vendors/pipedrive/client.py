"""Pipedrive's operations that we use, in Pipedrive's words.

Records asked for one at a time by several runs are fetched together (`by_ids.py`). Custom field
definitions are under ``client.fields``, webhook subscriptions under ``client.subscriptions``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TypeVar

from ml_connector.core.changes import ChangePage
from ml_connector.core.clock import Clock
from ml_connector.core.errors import NotFoundError
from ml_connector.core.logins import LoginStore
from ml_connector.transport.http import Transport
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.pipedrive import by_ids, changes, pages, ping, searching, wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.definitions import Fields
from ml_connector.vendors.pipedrive.drafts import (
    DealDraft,
    DealProductDraft,
    DealProductUpdate,
    DealUpdate,
    OrganizationDraft,
    PersonDraft,
    ProductDraft,
    Written,
)
from ml_connector.vendors.pipedrive.lists import Lists
from ml_connector.vendors.pipedrive.models import (
    Currency,
    Deal,
    DealDiscount,
    DealProduct,
    Entity,
    Installment,
    LogEntry,
    Me,
    Organization,
    Person,
    Pipeline,
    Product,
    SearchHit,
    Stage,
    User,
    Variation,
)
from ml_connector.vendors.pipedrive.notes import Notes
from ml_connector.vendors.pipedrive.product_codes import ProductCodes
from ml_connector.vendors.pipedrive.settings import Settings
from ml_connector.vendors.pipedrive.subscriptions import Subscriptions
from ml_connector.vendors.pipedrive.writing import Writer

T = TypeVar("T", Deal, Organization, Person, Product)


class Client:
    """One Pipedrive account."""

    def __init__(
        self, settings: Settings, *, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._api = API(settings, transport=transport, logins=logins, clock=clock)
        self._by_ids = by_ids.Readers(self._api)
        self._product_codes = ProductCodes(self._api, self._by_ids.products, clock=clock)
        self.fields = Fields(self._api, clock=clock)
        """Definitions of fields: read, cached, compared, provided."""
        self.subscriptions = Subscriptions(self._api)
        """Webhook subscriptions: list, create, delete, repair."""
        self.notes = Notes(self._api)
        """Notes on records: read, add, change."""
        self.lists = Lists(self._api, clock=clock)
        """Names of pipelines, stages and users by id: read, kept."""
        self._writer = Writer(self._api, self.fields)

    # --- deals -----------------------------------------------------------------------------

    async def deal(self, deal_id: int) -> Deal:
        """Return a deal, also one that is archived or in the bin (``is_gone``).

        Raises NotFoundError for one that never was, was purged, or that the login may not see.
        """
        return await self._by_ids.deals.load(deal_id)

    async def deals(
        self,
        *,
        status: str | None = None,
        pipeline_id: int | None = None,
        org_id: int | None = None,
        person_id: int | None = None,
        updated_since: datetime | None = None,
    ) -> AsyncIterator[Deal]:
        """Yield deals by id, without archived ones, and without deleted ones unless asked for."""
        params = [("status", status)] if status else []
        params += [("org_id", str(org_id))] if org_id is not None else []
        params += [("person_id", str(person_id))] if person_id is not None else []
        params += [("pipeline_id", str(pipeline_id))] if pipeline_id is not None else []
        async for deal in self._all(Deal, "deals", params, updated_since):
            yield deal

    async def create_deal(self, draft: DealDraft) -> Written[Deal]:
        """Create a deal. Twice makes two: Pipedrive has no idempotency key."""
        return await self._writer.create(Deal, "deal", draft)

    async def update_deal(self, deal_id: int, update: DealUpdate) -> Written[Deal]:
        """Change what ``update`` sets. An archived deal cannot be changed."""
        return await self._writer.update(Deal, "deal", deal_id, update)

    async def delete_deal(self, deal_id: int) -> None:
        """Put a deal into the bin; one that is there already is no error."""
        await self._delete(f"deals/{deal_id}", "deals.delete")

    async def deal_products(self, deal_id: int) -> tuple[DealProduct, ...]:
        """Return the deal's product lines in their order, disabled ones too."""
        return await self._by_ids.deal_products.load(deal_id)

    async def deal_installments(self, deal_id: int) -> tuple[Installment, ...]:
        """Return the parts in which the deal is billed, by day."""
        return await self._by_ids.installments.load(deal_id)

    async def deal_discounts(self, deal_id: int) -> tuple[DealDiscount, ...]:
        """Return the discounts on the whole deal; there is no way to ask for several deals."""
        found = await self._api.read(f"deals/{deal_id}/discounts", operation="deal_discounts.list")
        return wire.records(DealDiscount, found.items)

    async def add_deal_product(self, deal_id: int, draft: DealProductDraft) -> DealProduct:
        """Add one product line."""
        answer = await self._api.call(
            "POST", f"deals/{deal_id}/products", operation="deal_products.create", draft=draft
        )
        return wire.record(DealProduct, wire.envelope(answer).data)

    async def add_deal_products(
        self, deal_id: int, drafts: Sequence[DealProductDraft]
    ) -> tuple[DealProduct, ...]:
        """Add up to 100 product lines at once."""
        answer = await self._api.call(
            "POST",
            f"deals/{deal_id}/products/bulk",
            operation="deal_products.create_many",
            draft={"data": drafts},
        )
        return wire.records(DealProduct, wire.envelope(answer).items)

    async def update_deal_product(
        self, deal_id: int, line_id: int, update: DealProductUpdate
    ) -> DealProduct:
        """Change one product line, named by its own id."""
        answer = await self._api.call(
            "PATCH",
            f"deals/{deal_id}/products/{line_id}",
            operation="deal_products.update",
            draft=update,
            is_safe=True,
        )
        return wire.record(DealProduct, wire.envelope(answer).data)

    async def delete_deal_product(self, deal_id: int, line_id: int) -> None:
        """Remove one product line; one that is gone already is no error."""
        await self._delete(f"deals/{deal_id}/products/{line_id}", "deal_products.delete")

    async def deal_changelog(self, deal_id: int) -> tuple[LogEntry, ...]:
        """Return what changed on the deal, newest first: a proof of when it was won."""
        return await changes.changelog(self._api, "deals", deal_id)

    # --- organizations ---------------------------------------------------------------------

    async def organization(self, organization_id: int) -> Organization:
        """Return an organization; ``is_deleted`` ones too as long as Pipedrive shows them."""
        return await self._by_ids.organizations.load(organization_id)

    async def organizations(
        self, *, updated_since: datetime | None = None
    ) -> AsyncIterator[Organization]:
        """Yield all organizations by id, without deleted ones."""
        counts = [by_ids.COUNTS_DEALS]
        async for organization in self._all(Organization, "organizations", counts, updated_since):
            yield organization

    async def create_organization(self, draft: OrganizationDraft) -> Written[Organization]:
        """Create an organization. Twice makes two, names are not unique."""
        return await self._writer.create(Organization, "organization", draft)

    async def update_organization(
        self, organization_id: int, update: OrganizationDraft
    ) -> Written[Organization]:
        """Change what ``update`` sets."""
        return await self._writer.update(Organization, "organization", organization_id, update)

    async def delete_organization(self, organization_id: int) -> None:
        """Put an organization into the bin; one that is there already is no error."""
        await self._delete(f"organizations/{organization_id}", "organizations.delete")

    # --- persons ---------------------------------------------------------------------------

    async def person(self, person_id: int) -> Person:
        """Return a person; ``is_deleted`` ones too as long as Pipedrive shows them."""
        return await self._by_ids.persons.load(person_id)

    async def persons(
        self, *, org_id: int | None = None, updated_since: datetime | None = None
    ) -> AsyncIterator[Person]:
        """Yield all persons by id, or those of one organization, without deleted ones."""
        params = [("org_id", str(org_id))] if org_id is not None else []
        params.append(by_ids.COUNTS_DEALS)
        async for person in self._all(Person, "persons", params, updated_since):
            yield person

    async def create_person(self, draft: PersonDraft) -> Written[Person]:
        """Create a person. Twice makes two, e-mail addresses are not unique."""
        return await self._writer.create(Person, "person", draft)

    async def update_person(self, person_id: int, update: PersonDraft) -> Written[Person]:
        """Change what ``update`` sets; e-mail and telephone lists are replaced whole."""
        return await self._writer.update(Person, "person", person_id, update)

    async def delete_person(self, person_id: int) -> None:
        """Put a person into the bin; one that is there already is no error."""
        await self._delete(f"persons/{person_id}", "persons.delete")

    # --- products --------------------------------------------------------------------------

    async def product(self, product_id: int) -> Product:
        """Return a product; ``is_deleted`` ones too as long as Pipedrive shows them."""
        return await self._by_ids.products.load(product_id)

    async def product_variations(self, product_id: int) -> tuple[Variation, ...]:
        """Return the forms in which a product is sold; there is no way to ask for several."""
        found = await pages.all_items(
            self._api, f"products/{product_id}/variations", operation="product_variations.list"
        )
        return wire.records(Variation, found)

    async def products(self, *, updated_since: datetime | None = None) -> AsyncIterator[Product]:
        """Yield all products by id, without deleted ones."""
        async for product in self._all(Product, "products", [], updated_since):
            yield product

    async def products_by_code(self, code: str) -> tuple[Product, ...]:
        """Return the products whose code is this one but for case and spaces, by id."""
        return await self._product_codes.alike(code)

    async def create_product(self, draft: ProductDraft) -> Written[Product]:
        """Create a product. Twice makes two, codes are not unique."""
        return await self._writer.create(Product, "product", draft)

    async def update_product(self, product_id: int, update: ProductDraft) -> Written[Product]:
        """Change what ``update`` sets; the list of prices is replaced whole."""
        return await self._writer.update(Product, "product", product_id, update)

    async def delete_product(self, product_id: int) -> None:
        """Put a product into the bin; one that is there already is no error."""
        await self._delete(f"products/{product_id}", "products.delete")

    # --- finding ---------------------------------------------------------------------------

    async def search(
        self, entity: Entity, term: str, *, fields: Sequence[str] = (), exact_match: bool = False
    ) -> tuple[SearchHit, ...]:
        """Search records of one kind in ``fields`` (``name``, ``custom_fields``, ``code``, ...).

        The index lags behind (`profile.SEARCH_LAG`), and a hit does not say what matched.
        """
        return await searching.search(
            self._api, entity, term, fields=fields, exact_match=exact_match
        )

    async def deals_where(self, field: str, equals: str) -> tuple[Deal, ...]:
        """Return the deals whose ``title`` or custom field of that key is ``equals`` exactly."""
        ids = await searching.candidates(self._api, "deal", field, equals)
        return await searching.reread(ids, self._by_ids.deals, field, equals)

    async def organizations_where(self, field: str, equals: str) -> tuple[Organization, ...]:
        """Return the organizations whose ``name`` or custom field is ``equals`` exactly."""
        ids = await searching.candidates(self._api, "organization", field, equals)
        return await searching.reread(ids, self._by_ids.organizations, field, equals)

    async def persons_where(self, field: str, equals: str) -> tuple[Person, ...]:
        """Return the persons whose ``name``, an ``email``, ``phone`` or custom field is that."""
        ids = await searching.candidates(self._api, "person", field, equals)
        return await searching.reread(ids, self._by_ids.persons, field, equals)

    async def products_where(self, field: str, equals: str) -> tuple[Product, ...]:
        """Return the products whose ``code``, ``name`` or custom field is ``equals`` exactly."""
        ids = await searching.candidates(self._api, "product", field, equals)
        return await searching.reread(ids, self._by_ids.products, field, equals)

    # --- the account -----------------------------------------------------------------------

    async def me(self) -> Me:
        """Return the user whose login this is, with the company."""
        found = await self._api.read("users/me", operation="users.me", version="v1")
        return wire.record(Me, found.data)

    async def users(self) -> tuple[User, ...]:
        """Return all users, active or not."""
        found = await self._api.read("users", operation="users.list", version="v1")
        return wire.records(User, found.items)

    async def currencies(self) -> tuple[Currency, ...]:
        """Return the currencies that the account knows, its own ones included."""
        found = await self._api.read("currencies", operation="currencies.list", version="v1")
        return wire.records(Currency, found.items)

    async def pipelines(self) -> tuple[Pipeline, ...]:
        """Return all pipelines."""
        found = await pages.all_items(self._api, "pipelines", operation="pipelines.list")
        return wire.records(Pipeline, found)

    async def stages(self, *, pipeline_id: int | None = None) -> tuple[Stage, ...]:
        """Return all stages, or one pipeline's."""
        params = [("pipeline_id", str(pipeline_id))] if pipeline_id is not None else []
        found = await pages.all_items(self._api, "stages", operation="stages.list", params=params)
        return wire.records(Stage, found)

    async def merge(self, entity: Entity, record_id: int, *, merge_with_id: int) -> int:
        """Make one of two records and return the id of the one that stays.

        Where both have a value, the one of ``merge_with_id`` stays.
        """
        return await self._writer.merge(entity, record_id, merge_with_id=merge_with_id)

    # --- what the engine asks of every vendor ------------------------------------------------

    async def changes(self, stream: str, *, since: datetime, page: str | None) -> ChangePage:
        """Return one page of what changed at or after ``since``, in order of change."""
        return await changes.read(self._api, stream, since=since, page=page, clock=self._clock)

    async def ping(self, needs: Sequence[str]) -> list[PingLine]:
        """Probe address, login, company and each right: a scope's name, such as deals:full."""
        return await ping.ping(self._api, self.settings, needs, self._clock)

    async def log_out(self) -> None:
        """Do nothing: a Pipedrive login holds nothing. Revoking one is `auth.revoke`."""

    # --- inside ------------------------------------------------------------------------------

    async def _all(
        self,
        type_: type[T],
        path: str,
        params: list[tuple[str, str]],
        updated_since: datetime | None,
    ) -> AsyncIterator[T]:
        if updated_since is not None:
            params = [*params, ("updated_since", wire.stamp(updated_since))]
        async for page in pages.pages(self._api, path, operation=f"{path}.list", params=params):
            for item in page.items:
                yield wire.record(type_, item)

    async def _delete(self, path: str, operation: str) -> None:
        try:
            await self._api.call("DELETE", path, operation=operation, is_safe=True)
        except NotFoundError:
            return  # Somebody was there first, or our own first attempt was: gone is gone.
