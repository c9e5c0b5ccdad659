"""Inquiries: entities without records of their own; a PUT with parameters answers rows."""

from __future__ import annotations

from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.forms import Draft, Form
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.values import quantized


class InquiryForm(Form):
    """A form that keeps nothing."""

    is_inquiry = True

    def draft(self, given: Given, original: Record | None) -> Draft:
        """Return the parameters as the record; nothing is checked or numbered."""
        record = Record(self.entity, self.site.new_id())
        record.values.update(given.values)
        return Draft(record, given, None)


class CompaniesForm(InquiryForm):
    """CompaniesStructure: the tenant's companies and branches."""

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return one row per branch."""
        site = self.site
        found = []
        for branch in site.codes.plain["branch"].values():
            row = Record(site.contract["CompaniesStructureDetail"], site.new_id())
            row["BranchID"] = row["BranchName"] = branch
            row["BaseCurrencyID"] = site.base_currency
            row["BranchStatus"] = row["CompanyStatus"] = True
            row["CompanyID"] = row["CompanyName"] = site.branch
            found.append(row)
        return found


class PricesForm(InquiryForm):
    """SalesPricesInquiry: the price list."""

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return the prices, of one item if the inquiry names it."""
        site = self.site
        wanted = record["InventoryID"]
        found = []
        for number, price in enumerate(site.prices, 1):
            if wanted is not None and normal(price.inventory_id) != normal(wanted):
                continue
            row = Record(site.contract["SalesPriceDetail"], site.new_id())
            row["RecordID"], row["InventoryID"], row["UOM"] = number, price.inventory_id, price.uom
            row["Price"], row["CurrencyID"] = quantized(price.price, "q"), price.currency
            row["BreakQty"] = quantized(price.break_qty, "q")
            row["PriceType"], row["PriceCode"] = "Base", None
            if price.customer is not None:
                row["PriceType"], row["PriceCode"] = "Customer", price.customer
            elif price.price_class is not None:
                row["PriceType"], row["PriceCode"] = "Customer Price Class", price.price_class
            row["EffectiveDate"], row["ExpirationDate"] = price.from_on, price.until_on
            found.append(row)
        return found
