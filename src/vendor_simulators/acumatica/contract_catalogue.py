"""Items, prices and the lists that other forms choose from.

The notation of the field lists is explained in contract.py; the lists follow the OpenAPI document
of Default/24.200.001 and, where marked, the versions around it.
"""

from __future__ import annotations

from vendor_simulators.acumatica.contract import Entity, define

CATALOGUE: tuple[Entity, ...] = (
    define(
        "StockItem",
        """
        ABCCode:s AutoIncrementalValue:s Availability:s AverageCost:q! BaseUOM:s>uom
        COGSAccount:s COGSSubaccount:s Content:s CountryOfOrigin:s CurrentStdCost:q
        CurySpecificMSRP:q CurySpecificPrice:q CustomURL:s DefaultIssueLocationID:s
        DefaultPrice:q DefaultReceiptLocationID:s DefaultSubitem:s
        DefaultWarehouseID:s>warehouse DeferralAccount:s DeferralSubaccount:s Description:s
        DimensionVolume:d DimensionWeight:d DiscountAccount:s DiscountSubaccount:s
        ExportToExternal:b ImageUrl:s InventoryAccount:s InventoryID:s InventorySubaccount:s
        IsAKit:b ItemClass:s>item_class ItemStatus:s=item_status ItemType:s=stock_item_type
        LandedCostVarianceAccount:s LandedCostVarianceSubaccount:s LastCost:q! LastModified:t!
        LastModifiedDateTime:t@24! LastStdCost:q LotSerialClass:s MSRP:q Markup:d MaxCost:q!
        MetaDescription:s MetaKeywords:s MinCost:q! MinMarkup:d NotAvailable:s NoteID:g!
        POAccrualAccount:s POAccrualSubaccount:s PackSeparately:b PackagingOption:s PageTitle:s
        PendingStdCost:q PostingClass:s PriceClass:s PriceManager:s PriceWorkgroup:s
        ProductManager:s ProductWorkgroup:s PurchasePriceVarianceAccount:s
        PurchasePriceVarianceSubaccount:s PurchaseUOM:s>uom ReasonCodeSubaccount:s
        SalesAccount:s>account SalesSubaccount:s SalesUOM:s>uom SearchKeywords:s
        StandardCostRevaluationAccount:s StandardCostRevaluationSubaccount:s
        StandardCostVarianceAccount:s StandardCostVarianceSubaccount:s SubjectToCommission:b
        TariffCode:s TaxCategory:s>tax_category TemplateItemID:s UseOnEntry:b ValuationMethod:s
        Visibility:s VolumeUOM:s WeightUOM:s
        """,
        title="Stock Item",
        screen="IN202500",
        graph="PX.Objects.IN.InventoryItemMaint",
        view="Item",
        keys="InventoryID",
        details="""
        Attributes:AttributeValue Boxes:BoxStockItem Categories:CategoryStockItem
        CrossReferences:InventoryItemCrossReference FileURLs:InventoryFileUrls
        ReplenishmentParameters:ReplenishmentParameterStockItem
        UOMConversions:InventoryItemUOMConversion VendorDetails:StockItemVendorDetail
        WarehouseDetails:StockItemWarehouseDetail
        """,
    ),
    define(
        "NonStockItem",
        """
        Availability:s BaseUnit:s>uom Content:s CurrentCost:q! CurrentStdCost:q
        CurySpecificMSRP:q CurySpecificPrice:q CustomURL:s DefaultPrice:q DeferralAccount:s
        DeferralSubaccount:s Description:s DimensionWeight:d EffectiveDate:D ExpenseAccount:s
        ExpenseAccrualAccount:s ExpenseAccrualSubaccount:s ExpenseSubaccount:s
        ExportToExternal:b InventoryID:s IsAKit:b@24 IsKit:b ItemClass:s>item_class
        ItemStatus:s=item_status ItemType:s=non_stock_item_type LastCost:q!
        LastModifiedDateTime:t! MSRP:q MetaDescription:s MetaKeywords:s NoteID:g!
        POAccrualAccount:s POAccrualSubaccount:s PageTitle:s PendingCost:q PendingCostDate:D
        PostingClass:s PriceClass:s PurchasePriceVarianceAccount:s
        PurchasePriceVarianceSubaccount:s PurchaseUnit:s>uom ReasonCodeSubaccount:s
        RequireReceipt:b RequireShipment:b SalesAccount:s>account SalesSubaccount:s
        SalesUnit:s>uom SearchKeywords:s TaxCategory:s>tax_category TemplateItemID:s
        Visibility:s Volume:d VolumeUOM:s Weight:d WeightUOM:s
        """,
        title="Non-Stock Item",
        screen="IN202000",
        graph="PX.Objects.IN.NonStockItemMaint",
        view="Item",
        keys="InventoryID",
        details="""
        Attributes:AttributeValue Categories:CategoryStockItem
        CrossReferences:InventoryItemCrossReference FileUrls:InventoryFileUrls
        SalesCategories:NonStockItemSalesCategory VendorDetails:NonStockItemVendorDetail
        """,
    ),
    define(
        "ItemClass",
        """
        AvailabilityCalculationRule:s BaseUOM:s ClassID:s CountryOfOrigin:s DefaultWarehouseID:s
        Description:s ItemType:s LastModifiedDateTime:t! LotSerialClass:s PostingClass:s
        PriceClass:s PurchaseUOM:s SalesUOM:s StockItem:b TariffCode:s TaxCategoryID:s
        ValuationMethod:s
        """,
        title="Item Class",
        screen="IN201000",
        graph="PX.Objects.IN.INItemClassMaint",
        view="itemclass",
        keys="ClassID",
        details="""
        Attributes:ItemClassAtrribute
        """,
    ),
    define(
        "Warehouse",
        """
        Active:b COGSExpenseAccount:s COGSExpenseSubaccount:s Description:s DiscountAccount:s
        DiscountSubaccount:s DropShipLocationID:s FreightChargeAccount:s
        FreightChargeSubaccount:s InventoryAccount:s InventorySubaccount:s
        LandedCostVarianceAccount:s LandedCostVarianceSubaccount:s LastModifiedDateTime:t!
        MiscChargeAccount:s MiscChargeSubaccount:s NonStockPickingLocationID:s
        OverrideInventoryAccountSubaccount:b POAccrualAccount:s POAccrualSubaccount:s
        PurchasePriceVarianceAccount:s PurchasePriceVarianceSubaccount:s RMALocationID:s
        ReasonCodeSubaccount:s ReceivingLocationID:s SalesAccount:s SalesSubaccount:s
        ShippingLocationID:s StandardCostRevaluationAccount:s
        StandardCostRevaluationSubaccount:s StandardCostVarianceAccount:s
        StandardCostVarianceSubaccount:s UseItemDefaultLocationForPicking:b WarehouseID:s
        """,
        title="Warehouse",
        screen="IN204000",
        graph="PX.Objects.IN.INSiteMaint",
        view="site",
        keys="WarehouseID",
        details="""
        Locations:WarehouseLocation
        """,
    ),
    define(
        "UnitsOfMeasure",
        """
        Description:s L3Code:s UnitID:s
        """,
        title="Unit of Measure",
        screen="CS203100",
        graph="PX.Objects.CS.UnitOfMeasureMaint",
        view="Unit",
        keys="UnitID",
        details="""
        Conversion:Units
        """,
    ),
    define(
        "SalesPricesInquiry",
        """
        EffectiveAsOf:t InventoryID:s ItemClassID:s PriceClass:s PriceCode:s PriceManager:s
        PriceManagerIsMe:b PriceType:s PriceWorkgroup:s PriceWorkgroupIsMine:b
        TaxCalculationMode:s
        """,
        title="Sales Prices",
        screen="AR202000",
        graph="PX.Objects.AR.ARSalesPriceMaint",
        view="Filter",
        details="""
        SalesPriceDetails:SalesPriceDetail
        """,
    ),
    define(
        "Account",
        """
        AccountCD:s AccountClass:s AccountGroup:s AccountID:i! Active:b CashAccount:b!
        ChartOfAccountsOrder:i ConsolidationAccount:s CreatedDateTime:t! CurrencyID:s>currency
        Description:s LastModifiedDateTime:t! PostOption:s RequireUnits:b RevaluationRateType:s
        Secured:b TaxCategory:s Type:s=account_type UseDefaultSubaccount:b
        """,
        title="Account",
        screen="GL202500",
        graph="PX.Objects.GL.AccountByPeriodEnq",
        view="AccountRecords",
        keys="AccountCD",
    ),
    define(
        "Currency",
        """
        Active:b CreatedDateTime:t! CurrencyID:s CurrencySymbol:s DecimalPrecision:i
        Description:s LastModifiedDateTime:t! UseForAccounting:b
        """,
        title="Currency",
        screen="CM202000",
        graph="PX.Objects.CM.CurrencyMaint",
        view="CuryListRecords",
        keys="CurrencyID",
    ),
    define(
        "Tax",
        """
        CalculateOn:s CashDiscount:s CreatedDateTime:t! DeductibleVAT:b Description:s
        EnterFromTaxBill:b ExcludeFromTaxonTaxCalculation:b IncludeInVATExemptTotal:b
        IncludeInVATTaxableTotal:b LastModifiedDateTime:t! NotValidAfter:D PendingVAT:b
        ReverseVAT:b StatisticalVAT:b TaxAgency:s TaxClaimableAccount:s TaxClaimableSubaccount:s
        TaxExpenseAccount:s TaxExpenseSubaccount:s TaxID:s TaxPayableAccount:s
        TaxPayableSubaccount:s TaxType:s
        """,
        title="Tax",
        screen="TX205000",
        graph="PX.Objects.TX.SalesTaxMaint",
        view="Tax",
        keys="TaxID",
        details="""
        TaxSchedule:TaxScheduleDetail Zones:TaxZoneDetail
        """,
    ),
    define(
        "TaxCategory",
        """
        Active:b CreatedDateTime:t! Description:s ExcludeListedTaxes:b LastModifiedDateTime:t!
        TaxCategoryID:s
        """,
        title="Tax Category",
        screen="TX205500",
        graph="PX.Objects.TX.TaxCategoryMaint",
        view="TxCategory",
        keys="TaxCategoryID",
        details="""
        Details:TaxCategoryTaxDetail
        """,
    ),
    define(
        "TaxZone",
        """
        CreatedDateTime:t! Description:s LastModifiedDateTime:t! TaxZoneID:s
        """,
        title="Tax Zone",
        screen="TX206000",
        graph="PX.Objects.TX.TaxZoneMaint",
        view="TxZone",
        keys="TaxZoneID",
        details="""
        ApplicableTaxes:TaxZoneApplicableTaxDetail
        """,
    ),
    define(
        "ShipVia",
        """
        CalculationMethod:s Calendar:s CarrierID:s CommonCarrier:b Description:s
        FreightExpenseAccount:s FreightExpenseSubaccount:s FreightSalesAccount:s
        FreightSalesSubaccount:s TaxCategory:s
        """,
        title="Ship Via",
        screen="CS207500",
        graph="PX.Objects.CS.CarrierMaint",
        view="Carrier",
        keys="CarrierID",
        details="""
        FreightRates:ShipViaFreightRate Packages:ShippingBox
        """,
    ),
    define(
        "ShippingTerm",
        """
        Description:s TermID:s
        """,
        title="Shipping Terms",
        screen="CS208000",
        graph="PX.Objects.CS.ShipTermsMaint",
        view="ShipTermsCurrent",
        keys="TermID",
        details="""
        Details:ShippingTermDetail
        """,
    ),
    define(
        "PaymentMethod",
        """
        Active:b CreatedDateTime:t! Description:s IntegratedProcessing:b LastModifiedDateTime:t!
        MeansOfPayment:s PaymentMethodID:s RequireRemittanceInformationforCashAccount:b
        SetPaymentDatetoBankTransactionDate:b UseInAP:b UseInAR:b UseInPR:b
        """,
        title="Payment Method",
        screen="CA204000",
        graph="PX.Objects.CA.PaymentMethodMaint",
        view="PaymentMethod",
        keys="PaymentMethodID",
        links="""
        SettingsForPR:SettingsForPR
        """,
        details="""
        AllowedCashAccounts:PaymentMethodAllowedCashAccountDetail
        ProcessingCenters:PaymentMethodProcessingCenterDetail
        """,
    ),
    define(
        "AttributeDefinition",
        """
        AttributeID:s ControlType:s CreatedDateTime:t! Description:s EntryMask:s Internal:b
        LastModifiedDateTime:t! RegExp:s
        """,
        title="Attribute",
        screen="CS205000",
        graph="PX.Objects.CS.CSAttributeMaint",
        view="Attributes",
        keys="AttributeID",
        details="""
        Values:AttributeDefinitionValue
        """,
    ),
    define(
        "Ledger",
        """
        ConsolidationSource:b Currency:s>currency Description:s LastModifiedDateTime:t!
        LedgerID:s Type:s=ledger_type
        """,
        title="Ledger",
        screen="GL201500",
        graph="PX.Objects.GL.GeneralLedgerMaint",
        view="LedgerRecords",
        keys="LedgerID",
    ),
    define(
        "CompaniesStructure",
        """

        """,
        title="Companies Structure",
        screen="CS101590",
        graph="PX.Objects.CS.CompaniesStructure",
        view="Filter",
        details="""
        Results:CompaniesStructureDetail
        """,
    ),
    define(
        "StockItemWarehouseDetail",
        """
        DailyDemandForecast:d DailyDemandForecastErrorSTDEV:d DefaultIssueLocationID:s
        DefaultReceiptLocationID:s InventoryAccount:s InventorySubaccount:s IsDefault:b
        LastForecastDate:t Override:b OverridePreferredVendor:b OverrideReplenishmentSettings:b
        OverrideStdCost:b PreferredVendor:s PriceOverride:b ProductManager:s ProductWorkgroup:s
        QtyOnHand:q ReplenishmentSource:s ReplenishmentWarehouse:s Seasonality:s ServiceLevel:d
        Status:s WarehouseID:s
        """,
        row_keys="WarehouseID",
    ),
    define(
        "InventoryItemCrossReference",
        """
        AlternateID:s AlternateType:s Description:s Subitem:s UOM:s VendorOrCustomer:s
        """,
        row_keys="AlternateID",
    ),
    define(
        "InventoryItemUOMConversion",
        """
        ConversionFactor:q FromUOM:s MultiplyOrDivide:s ToUOM:s
        """,
        row_keys="FromUOM",
    ),
    define(
        "SalesPriceDetail",
        """
        BreakQty:q CreatedDateTime:t! CurrencyID:s Description:s EffectiveDate:D
        ExpirationDate:D InventoryID:s LastModifiedDateTime:t! NoteID:g! Price:q PriceCode:s
        PriceType:s Promotion:b RecordID:i Tax:s TaxCalculationMode:s UOM:s Warehouse:s
        """,
    ),
    define(
        "TaxScheduleDetail",
        """
        DeductibleTaxRate:d MaxTaxableAmount:d MinTaxableAmount:d ReportingGroup:s RevisionID:i
        StartDate:D TaxID:s TaxRate:q
        """,
    ),
    define(
        "TaxCategoryTaxDetail",
        """
        CalculateOn:s CashDiscount:s Description:s TaxCategory:s TaxID:s TaxType:s
        """,
    ),
    define(
        "TaxZoneApplicableTaxDetail",
        """
        TaxID:s
        """,
    ),
    define(
        "CompaniesStructureDetail",
        """
        BaseCurrencyID:s BranchCountry:s BranchID:s BranchName:s BranchStatus:b CompanyID:s
        CompanyName:s CompanyStatus:b CompanyType:s
        """,
    ),
    define(
        "WarehouseLocation",
        """
        Active:b AssemblyAllowed:b Description:s LocationID:s PickPriority:i ReceiptsAllowed:b
        SalesAllowed:b TransfersAllowed:b
        """,
    ),
    define(
        "Units",
        """
        ConversionFactor:q CreatedDateTime:t! FromUOM:s LastModifiedDateTime:t!
        MultiplyOrDivide:s ToUOM:s
        """,
    ),
)
