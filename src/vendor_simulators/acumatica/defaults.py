"""What a freshly installed site has: currencies, taxes, classes, warehouses, a few items.

No customers and no documents: those come from seeds and from the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica.bodies import BodyReader
from vendor_simulators.acumatica.contract import ANY_VERSION
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.saving import find_original, unprocessable
from vendor_simulators.acumatica.site import OrderType, Site

_US_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
    "NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY"
)
_CA_STATES = "AB BC MB NB NL NS NT NU ON PE QC SK YT"
_AU_STATES = "ACT NSW NT QLD SA TAS VIC WA"
_COUNTRIES = (
    "AE AR AT AU BE BG BR CA CH CL CN CO CZ DE DK EE ES FI FR GB GR HK HR HU IE IL IN IS IT JP KR "
    "LT LU LV MT MX MY NL NO NZ PE PH PL PT RO RS SE SG SI SK TH TR TW UA US VN ZA"
)
_TERMS = {"COD": 0, "NET10": 10, "NET15": 15, "NET30": 30, "NET45": 45, "NET60": 60}
_RATES = {  # US dollars per unit
    "USD": "1", "EUR": "1.08", "GBP": "1.27", "CAD": "0.73", "AUD": "0.66", "CHF": "1.13",
    "SEK": "0.095", "NOK": "0.094", "DKK": "0.145", "PLN": "0.25", "JPY": "0.0067",
}  # fmt: skip
_WITHOUT_CENTS = frozenset({"JPY"})
_ORDER_TYPES = (
    OrderType("SO"),
    OrderType("SA"),
    OrderType("IN", ships=False),
    OrderType("QT", ships=False, invoice_type=None),
    OrderType("CS", ships=False),
    OrderType("CM", ships=False, invoice_type="Credit Memo"),
    OrderType("RC", ships=False, invoice_type="Credit Memo"),
    OrderType("RM", ships=False, invoice_type="Credit Memo"),
    OrderType("RR", ships=False),
    OrderType("CR", ships=False, invoice_type="Credit Memo"),
    OrderType("MO"),
    OrderType("BL", ships=False, invoice_type=None),
    OrderType("TR", invoice_type=None),
)

_TAXES = (
    {"TaxID": "WASTATE", "TaxType": "Sales",
     "TaxSchedule": [{"TaxID": "WASTATE", "TaxRate": "6.5"}]},
    {"TaxID": "KINGCOUNTY", "TaxType": "Sales",
     "TaxSchedule": [{"TaxID": "KINGCOUNTY", "TaxRate": "3.6"}]},
    {"TaxID": "VAT19", "TaxType": "VAT", "TaxSchedule": [{"TaxID": "VAT19", "TaxRate": "19"}]},
    {"TaxID": "VAT7", "TaxType": "VAT", "TaxSchedule": [{"TaxID": "VAT7", "TaxRate": "7"}]},
)  # fmt: skip

RECORDS: Mapping[str, Iterable[Mapping[str, Any]]] = {
    "Tax": _TAXES,
    "TaxCategory": (
        {"TaxCategoryID": "TAXABLE", "Active": True,
         "Details": [{"TaxID": "WASTATE"}, {"TaxID": "KINGCOUNTY"}, {"TaxID": "VAT19"}]},
        {"TaxCategoryID": "REDUCED", "Active": True,
         "Details": [{"TaxID": "WASTATE"}, {"TaxID": "KINGCOUNTY"}, {"TaxID": "VAT7"}]},
        {"TaxCategoryID": "EXEMPT", "Active": True, "Details": []},
    ),
    "TaxZone": (
        {"TaxZoneID": "WAKING",
         "ApplicableTaxes": [{"TaxID": "WASTATE"}, {"TaxID": "KINGCOUNTY"}]},
        {"TaxZoneID": "DE", "ApplicableTaxes": [{"TaxID": "VAT19"}, {"TaxID": "VAT7"}]},
        {"TaxZoneID": "EXPORT", "ApplicableTaxes": []},
    ),
    "UnitsOfMeasure": (
        {"UnitID": "EA"}, {"UnitID": "PC"}, {"UnitID": "HOUR"}, {"UnitID": "DAY"},
        {"UnitID": "KG"}, {"UnitID": "M"}, {"UnitID": "SET"},
        {"UnitID": "BOX"},
        {"UnitID": "MINUTE", "Conversion": [
            {"FromUOM": "MINUTE", "ToUOM": "HOUR", "ConversionFactor": "0.016667"}]},
    ),
    "Warehouse": (
        {"WarehouseID": "MAIN", "Description": "Main warehouse", "Active": True},
        {"WarehouseID": "RETAIL", "Description": "Retail store", "Active": True},
    ),
    "ShipVia": ({"CarrierID": "GROUND", "Description": "Ground"},
                {"CarrierID": "LOCAL", "Description": "Local delivery"}),
    "ShippingTerm": ({"TermID": "FREE", "Description": "Free shipping"},),
    "PaymentMethod": (
        {"PaymentMethodID": "CHECK", "Active": True, "UseInAR": True},
        {"PaymentMethodID": "WIRE", "Active": True, "UseInAR": True},
    ),
    "Account": (
        {"AccountCD": "10200", "Type": "Asset", "Description": "Checking", "Active": True,
         "CashAccount": True},
        {"AccountCD": "11000", "Type": "Asset", "Description": "Accounts receivable",
         "Active": True},
        {"AccountCD": "24100", "Type": "Liability", "Description": "Sales tax payable",
         "Active": True},
        {"AccountCD": "40000", "Type": "Income", "Description": "Sales", "Active": True},
        {"AccountCD": "40100", "Type": "Income", "Description": "Services", "Active": True},
        {"AccountCD": "50000", "Type": "Expense", "Description": "Cost of goods sold",
         "Active": True},
    ),
    "Ledger": (
        {"LedgerID": "ACTUAL", "Description": "Actual ledger", "Type": "Actual",
         "Currency": "USD"},
        {"LedgerID": "BUDGET", "Description": "Budget", "Type": "Budget", "Currency": "EUR"},
    ),
    "CustomerPriceClass": ({"PriceClassID": "WHOLESALE", "Description": "Wholesale"},),
    "Salesperson": ({"SalespersonID": "SP0001", "Name": "Inside sales", "IsActive": True},
                    {"SalespersonID": "SP0002", "Name": "Field sales", "IsActive": True}),
    "CustomerClass": (
        {"ClassID": "DEFAULT", "Description": "Default", "CurrencyID": "USD",
         "EnableCurrencyOverride": True, "Terms": "NET30", "StatementCycleID": "EOM",
         "Country": "US"},
        {"ClassID": "LOCAL", "Description": "Washington", "CurrencyID": "USD",
         "EnableCurrencyOverride": False, "Terms": "NET30", "StatementCycleID": "EOM",
         "TaxZoneID": "WAKING", "Country": "US"},
        {"ClassID": "INTL", "Description": "Abroad", "CurrencyID": "EUR",
         "EnableCurrencyOverride": True, "Terms": "NET60", "StatementCycleID": "EOM",
         "TaxZoneID": "EXPORT"},
    ),
    "ItemClass": (
        {"ClassID": "STOCK", "StockItem": True, "BaseUOM": "EA", "SalesUOM": "EA",
         "PurchaseUOM": "EA", "TaxCategoryID": "TAXABLE", "DefaultWarehouseID": "MAIN",
         "ItemType": "Finished Good"},
        {"ClassID": "SERVICE", "StockItem": False, "BaseUOM": "HOUR", "SalesUOM": "HOUR",
         "PurchaseUOM": "HOUR", "TaxCategoryID": "TAXABLE", "ItemType": "Service"},
    ),
    "StockItem": (
        {"InventoryID": "PUMP-40", "Description": "Pump 40 mm", "DefaultPrice": "1250"},
        {"InventoryID": "PUMP-80", "Description": "Pump 80 mm", "DefaultPrice": "2480"},
        {"InventoryID": "VALVE-2", "Description": "Valve 2 inch", "DefaultPrice": "89.5",
         "UOMConversions": [{"FromUOM": "BOX", "ToUOM": "EA", "MultiplyOrDivide": "Multiply",
                             "ConversionFactor": "10"}]},
        {"InventoryID": "#12-796524", "Description": "Gasket kit", "DefaultPrice": "19.99"},
        {"InventoryID": "HOSE/25", "Description": "Hose 25 mm", "DefaultPrice": "7.25",
         "BaseUOM": "M", "SalesUOM": "M"},
        {"InventoryID": "OLDPUMP", "Description": "Pump 30 mm, discontinued",
         "DefaultPrice": "990", "ItemStatus": "No Sales"},
    ),
    "NonStockItem": (
        {"InventoryID": "INSTALL", "Description": "Installation", "DefaultPrice": "120"},
        {"InventoryID": "SUPPORT", "Description": "Support contract", "DefaultPrice": "300",
         "BaseUnit": "PC", "SalesUnit": "PC"},
        {"InventoryID": "DEALLINE", "Description": "Deal without products", "BaseUnit": "EA",
         "SalesUnit": "EA"},
        {"InventoryID": "FREIGHT", "Description": "Freight", "BaseUnit": "EA", "SalesUnit": "EA",
         "ItemType": "Charge"},
    ),
}  # fmt: skip


def fill(site: Site) -> None:
    """Put the default codes and records into an empty site."""
    _fill_codes(site)
    for currency in _RATES:
        digits = 0 if currency in _WITHOUT_CENTS else 2
        add(site, "Currency", {"CurrencyID": currency, "Active": True, "DecimalPrecision": digits})
    for entity, records in RECORDS.items():
        for record in records:
            add(site, entity, record)


def add(site: Site, entity: str, values: Mapping[str, Any]) -> Record:
    """Save a record given in plain values, fields that only the server sets included.

    Raises RefusalError with the tree of errors when the form would refuse it.
    """
    form = site.forms[entity]
    reader = BodyReader(site.contract, ANY_VERSION, is_wrapped=False)
    given = reader.read(form.entity, dict(values))
    original = find_original(form, given, None)
    draft = form.draft(given, original)
    if draft.errors:
        raise unprocessable(form, draft)
    for name in form.entity.keys:  # a seed names its records itself, whatever the numbering
        if given.values.get(name) is not None:
            draft.record[name] = given.values[name]
    for name, value in given.values.items():
        if form.entity.fields[name].is_read_only:
            draft.record[name] = value
    site.commit(draft.record)
    return draft.record


def _fill_codes(site: Site) -> None:
    codes = site.codes
    codes.terms_days = dict(_TERMS)
    codes.order_types = {order_type.code: order_type for order_type in _ORDER_TYPES}
    codes.states = {
        "US": set(_US_STATES.split()),
        "CA": set(_CA_STATES.split()),
        "AU": set(_AU_STATES.split()),
    }
    codes.rates = {currency: Decimal(rate) for currency, rate in _RATES.items()}
    codes.whole_units = {"EA", "PC", "SET", "BOX"}
    lists = {
        "branch": ["MAIN", "EAST"],
        "cash_account": ["10200"],
        "country": _COUNTRIES.split(),
        "order_type": list(codes.order_types),
        "project": ["X"],
        "statement_cycle": ["EOM", "WEEKLY"],
        "terms": list(_TERMS),
    }
    codes.plain = {name: {value: value for value in values} for name, values in lists.items()}
