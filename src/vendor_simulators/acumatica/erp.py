"""The whole site put together: forms over tables, with their actions."""

from __future__ import annotations

import random
from typing import Any

from vendor_simulators.acumatica import defaults, orders
from vendor_simulators.acumatica.applications import Applications
from vendor_simulators.acumatica.forms import Form
from vendor_simulators.acumatica.inquiries import CompaniesForm, PricesForm
from vendor_simulators.acumatica.invoices import InvoiceForm, SalesInvoiceForm
from vendor_simulators.acumatica.invoicing import Invoicing
from vendor_simulators.acumatica.items import NonStockItemForm, StockItemForm
from vendor_simulators.acumatica.parties import BusinessAccountForm, ContactForm, CustomerForm
from vendor_simulators.acumatica.payments import PaymentForm
from vendor_simulators.acumatica.shipments import ShipmentForm, Shipping
from vendor_simulators.acumatica.site import Site
from vendor_simulators.kit import FaultBook, SimClock

_FORMS: dict[str, type[Form]] = {
    "BusinessAccount": BusinessAccountForm,
    "CompaniesStructure": CompaniesForm,
    "Contact": ContactForm,
    "Customer": CustomerForm,
    "Invoice": InvoiceForm,
    "NonStockItem": NonStockItemForm,
    "Payment": PaymentForm,
    "SalesInvoice": SalesInvoiceForm,
    "SalesOrder": orders.SalesOrderForm,
    "SalesPricesInquiry": PricesForm,
    "Shipment": ShipmentForm,
    "StockItem": StockItemForm,
}


class Erp(Site):
    """A site with its forms, its actions and the records that every site has."""

    def __init__(
        self,
        *,
        clock: SimClock,
        rng: random.Random,
        faults: FaultBook,
        switches: dict[str, Any],
    ) -> None:
        super().__init__(clock=clock, rng=rng, faults=faults, switches=switches)
        self.applications = Applications(self)
        for name, entity in self.contract.top.items():
            self.forms[name] = _FORMS.get(name, Form)(self, entity)
        self.invoicing = Invoicing(self)
        for form in self.forms.values():
            if isinstance(form, (SalesInvoiceForm, InvoiceForm)):
                form.invoicing = self.invoicing
        self.shipping = Shipping(self, self.invoicing)
        self._add_actions()
        defaults.fill(self)

    def _add_actions(self) -> None:
        order_form, customer, account = (
            self.forms[name] for name in ("SalesOrder", "Customer", "BusinessAccount")
        )
        if isinstance(order_form, orders.SalesOrderForm):
            orders.add_actions(order_form)
        if isinstance(customer, CustomerForm):
            customer.actions["createcontactfromcustomer"] = customer.create_contact
        if isinstance(account, BusinessAccountForm):
            account.actions["convertbusinessaccounttocustomer"] = account.convert
