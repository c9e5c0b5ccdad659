"""Sales orders, shipments, invoices and payments.

The notation of the field lists is explained in contract.py; the lists follow the OpenAPI document
of Default/24.200.001 and, where marked, the versions around it.
"""

from __future__ import annotations

from vendor_simulators.acumatica.contract import Entity, define

DOCUMENTS: tuple[Entity, ...] = (
    define(
        "SalesOrder",
        """
        Approved:b! BaseCurrencyID:s! BillToAddressOverride:b BillToAddressValidated:b!
        BillToContactOverride:b Branch:s@23>branch CashAccount:s ContactID:s ControlTotal:d
        CreatedDate:t@22! CreditHold:b! CurrencyID:s>currency CurrencyRate:q
        CurrencyRateTypeID:s CustomerID:s*>customer CustomerOrder:s Date:D* Description:s
        DestinationWarehouseID:s>warehouse DisableAutomaticDiscountUpdate:b
        DisableAutomaticTaxCalculation:b EffectiveDate:D ExternalOrderOrigin:s
        ExternalOrderOriginal:b ExternalOrderSource:s ExternalRef:s ExternalRefundRef:s Hold:b
        IsTaxValid:b! LastModified:t! LocationID:s MaxRiskScore:d@23! NoteID:g! OrderNbr:s
        OrderTotal:d! OrderType:s>order_type OrderedQty:q! PaymentMethod:s>payment_method
        PaymentRef:s PreferredWarehouseID:s>warehouse Project:s>project ReciprocalRate:q
        RequestedOn:D ShipToAddressOverride:b ShipToAddressValidated:b! ShipToContactOverride:b
        ShipVia:s>ship_via Status:s! TaxCalcMode:s=tax_calc_mode TaxTotal:d!
        UsrExternalOrderOriginal:b VATExemptTotal:d! VATTaxableTotal:d! WillCall:b
        """,
        title="Sales Order",
        screen="SO301000",
        graph="PX.Objects.SO.SOOrderEntry",
        view="Document",
        keys="OrderType OrderNbr",
        links="""
        BillToAddress:Address BillToContact:DocContact Commissions:Commissions
        FinancialSettings:FinancialSettings ShipToAddress:Address ShipToContact:DocContact
        ShippingSettings:ShippingSettings Totals:Totals
        """,
        details="""
        Details:SalesOrderDetail DiscountDetails:SalesOrdersDiscountDetails
        OrderRisks:OrderRisks! Payments:SalesOrderPayment! Relations:RelationDetail
        Shipments:SalesOrderShipment! TaxDetails:TaxDetail!
        """,
    ),
    define(
        "Shipment",
        """
        BaseCurrencyID:s ControlQty:q CreateNewShipmentForEveryOrder:b CreatedDateTime:t!
        CurrencyRate:q CurrencyRateTypeID:s CurrencyViewState:b CustomerID:s>customer
        Description:s EffectiveDate:D FOBPoint:s FreightCost:d FreightCurrencyID:s
        FreightPrice:d GroundCollect:b Hold:b Insurance:b LastModifiedDateTime:t! LocationID:s
        NoteID:g! Operation:s OverrideFreightPrice:b Owner:s PackageCount:i! PackageWeight:q!
        Picked:b ReciprocalRate:q ResidentialDelivery:b SaturdayDelivery:b ShipVia:s
        ShipmentDate:D ShipmentNbr:s ShippedQty:q! ShippedVolume:q! ShippedWeight:q!
        ShippingTerms:s ShippingZoneID:s Status:s! ToWarehouseID:s Type:s UnlimitedPackages:b
        UseCustomersAccount:b WarehouseID:s>warehouse WorkgroupID:s
        """,
        title="Shipment",
        screen="SO302000",
        graph="PX.Objects.SO.SOShipmentEntry",
        view="Document",
        keys="ShipmentNbr",
        links="""
        ShippingSettings:ShipToSettings
        """,
        details="""
        Details:ShipmentDetail Orders:ShipmentOrderDetail! Packages:ShipmentPackage
        """,
    ),
    define(
        "SalesInvoice",
        """
        Amount:d! Balance:d! BillToAddressOverride:b@24 BillToContactOverride:b@24
        CashDiscount:d CreatedDate:t@24! CreditHold:b! Currency:s>currency
        CustomerID:s*>customer CustomerOrder:s Date:D* Description:s DetailTotal:d!
        DiscountTotal:d! DueDate:D ExternalRef:s@24 FreightPrice:d Hold:b IsTaxValid:b!
        LastModifiedDate:t@24! LastModifiedDateTime:t@23! PaymentTotal:d! Project:s>project
        ReferenceNbr:s ShipToAddressOverride:b@24 ShipToContactOverride:b@24 Status:s!
        TaxCalcMode:s@24=tax_calc_mode TaxTotal:d! Type:s=document_type VATExemptTotal:d!
        VATTaxableTotal:d!
        """,
        title="Invoice",
        screen="SO303000",
        graph="PX.Objects.SO.SOInvoiceEntry",
        view="Document",
        keys="Type ReferenceNbr",
        links="""
        BillToAddress:SalesInvoiceAddress BillToContact:SalesInvoiceDocContact
        BillingSettings:BillToSettings Commissions:SalesInvoiceCommissions
        FinancialDetails:SalesInvoiceFinancialDetails ShipToAddress:SalesInvoiceAddress
        ShipToContact:SalesInvoiceDocContact
        """,
        details="""
        ApplicationsCreditMemo:SalesInvoiceApplicationCreditMemo!
        ApplicationsInvoice:SalesInvoiceApplicationInvoice! Details:SalesInvoiceDetail
        DiscountDetails:SalesInvoiceDiscountDetails FreightDetails:SalesInvoiceFreightDetail
        TaxDetails:SalesInvoiceTaxDetail!
        """,
    ),
    define(
        "Invoice",
        """
        Amount:d Balance:d! BillToContactOverride:b BillingPrinted:b! CreatedDateTime:t!
        Customer:s*>customer CustomerOrder:s Date:D* Description:s DueDate:D Hold:b IsTaxValid:b!
        LastModifiedDateTime:t! LinkARAccount:s>account LinkBranch:s>branch LocationID:s
        PostPeriod:s Project:s>project ReferenceNbr:s ShipToContactOverride:b Status:s!
        TaxTotal:d! Terms:s>terms Type:s=document_type
        """,
        title="Invoice",
        screen="AR301000",
        graph="PX.Objects.AR.ARInvoiceEntry",
        view="Document",
        keys="Type ReferenceNbr",
        links="""
        BillToContact:DocContact ShipToContact:DocContact
        """,
        details="""
        ApplicationsCreditMemo:InvoiceApplicationsCreditMemo!
        ApplicationsDefault:InvoiceApplicationsDefault! Details:InvoiceDetail
        DiscountDetails:InvoiceDiscountDetail TaxDetails:InvoiceTaxDetail!
        """,
    ),
    define(
        "Payment",
        """
        ApplicationDate:D* AppliedToDocuments:d! AppliedToOrders:d! AvailableBalance:d!
        Branch:s>branch BranchID:s>branch CardAccountNbr:i CashAccount:s>cash_account
        CurrencyID:s>currency CustomerID:s*>customer CustomerLocationID:s Description:s
        ExternalRef:s Hold:b IsCCPayment:b@23! IsNewCard:b LastModifiedDateTime:t! NoteID:g!
        OrigTransaction:s PaymentAmount:d PaymentMethod:s>payment_method PaymentRef:s
        ProcessingCenterID:s ReferenceNbr:s SaveCard:b Status:s! Type:s=payment_type
        """,
        title="Payment",
        screen="AR302000",
        graph="PX.Objects.AR.ARPaymentEntry",
        view="Document",
        keys="Type ReferenceNbr",
        details="""
        ApplicationHistory:PaymentApplicationHistoryDetail! Charges:PaymentCharge
        CreditCardProcessingInfo:CreditCardProcessingDetail
        CreditCardTransactionInfo:CreditCardTransactionDetail DocumentsToApply:PaymentDetail
        OrdersToApply:PaymentOrderDetail
        """,
    ),
    define(
        "SalesOrderDetail",
        view="Transactions",
        fields="""
        Account:s>account AlternateID:s Amount:d! AssociatedOrderLineNbr:i AutoCreateIssue:b
        AverageCost:q! Branch:s>branch CalculateDiscountsOnImport:b Commissionable:b Completed:b
        CostCode:s CustomerOrderNbr:s DiscountAmount:d DiscountCode:s DiscountPercent:q
        DiscountedUnitPrice:q! ExtendedPrice:d! ExternalRef:s FreeItem:b GiftMessage:s
        InventoryID:s*>inventory InvoiceLineNbr:i InvoiceNbr:s InvoiceType:s LastModifiedDate:s!
        LineDescription:s LineNbr:i! LineType:s! Location:s LotSerialNbr:s ManualDiscount:b
        ManualPrice:b MarkForPO:b NoteID:g! OpenQty:q! Operation:s OrderQty:q
        OvershipThreshold:d POSource:s ProjectTask:s PurchaseWarehouse:s QtyOnShipments:q!
        ReasonCode:s RequestedOn:D SalespersonID:s>salesperson SchedOrderDate:D ShipOn:D
        ShipToLocation:s ShippingRule:s Subitem:s TaxCategory:s>tax_category TaxZone:s UOM:s
        UnbilledAmount:d! UndershipThreshold:d UnitCost:q UnitPrice:q VendorID:s
        WarehouseID:s>warehouse
        """,
        details="""
        Allocations:SalesOrderDetailAllocation PurchasingDetails:PurchasingDetail
        """,
        row_keys="LineNbr",
    ),
    define(
        "SalesOrderPayment",
        """
        ApplicationDate:D AppliedToOrder:d Authorize:b Balance:d! Capture:b CardAccountNbr:s
        CashAccount:s Currency:s Description:s DocType:s ExternalRef:s Hold:b
        LastModifiedDateTime:t! NoteID:g! OrigTransactionNbr:s PaymentAmount:d PaymentMethod:s
        PaymentRef:s ProcessingCenterID:s ReferenceNbr:s Refund:b SaveCard:b Status:s!
        TransferredtoInvoice:d ValidateCCRefundOrigTransaction:b
        """,
        details="""
        CreditCardTransactionInfo:SalesOrderCreditCardTransactionDetail
        """,
    ),
    define(
        "SalesOrderShipment",
        """
        InventoryDocType:s InventoryNoteID:g InventoryRefNbr:s InvoiceNbr:s InvoiceType:s
        LastModifiedDateTime:t! OrderNoteID:g ShipmentDate:D ShipmentNbr:s ShipmentType:s
        ShippedQty:q ShippedVolume:q ShippedWeight:q ShippingNoteID:g Status:s
        """,
    ),
    define(
        "SalesOrdersDiscountDetails",
        """
        Description:s DiscountAmount:d DiscountCode:s DiscountPercent:q DiscountableAmount:d
        DiscountableQty:q ExternalDiscountCode:s FreeItem:s FreeItemQty:q ManualDiscount:b
        SequenceID:s SkipDiscount:b Type:s
        """,
    ),
    define(
        "FinancialSettings",
        """
        BillSeparately:b Branch:s CashDiscountDate:D CustomerTaxZone:s DueDate:D
        EntityUsageType:s InvoiceDate:D InvoiceNbr:s OriginalOrderNbr:s OriginalOrderType:s
        OverrideTaxZone:b Owner:s PostPeriod:s Terms:s
        """,
    ),
    define(
        "ShippingSettings",
        """
        CancelByDate:D Canceled:b FOBPoint:s FreightCost:d FreightCostIsuptodate:b
        FreightPrice:d FreightTaxCategory:s GroundCollect:b Insurance:b OrderVolume:q
        OrderWeight:q OverrideFreightPrice:b PackageWeight:q PreferredWarehouseID:s
        PremiumFreight:d Priority:i ResidentialDelivery:b SaturdayDelivery:b
        ScheduledShipmentDate:D ShipSeparately:b ShipVia:s ShippingRule:s ShippingTerms:s
        ShippingZone:s UseCustomersAccount:b
        """,
        links="""
        ShopForRates:ShopForRates
        """,
    ),
    define(
        "Totals",
        """
        DiscountTotal:d! Freight:d! FreightCost:d! FreightCostIsuptodate:b! FreightTaxCategory:s!
        LineTotalAmount:d! MiscTotalAmount:d! OrderVolume:q! OrderWeight:q! OverrideFreightAmount:b!
        PackageWeight:q! PremiumFreight:d! TaxTotal:d! UnbilledAmount:d! UnbilledQty:q!
        UnpaidBalance:d!
        """,
    ),
    define(
        "TaxDetail",
        """
        CustomerTaxZone:s IncludeInVATExemptTotal:b LineNbr:i OrderNbr:s OrderType:s
        PendingVAT:b RecordID:i ReverseVAT:b StatisticalVAT:b TaxAmount:d TaxID:s TaxRate:q
        TaxType:s TaxableAmount:d
        """,
    ),
    define(
        "DocContact",
        """
        Attention:s BusinessName:s Email:s Phone1:s
        """,
    ),
    define(
        "ShipmentDetail",
        """
        Description:s ExpirationDate:D FreeItem:b InventoryID:s LineNbr:i! LocationID:s
        LotSerialNbr:s OpenQty:q! OrderLineNbr:i OrderNbr:s OrderType:s OrderedQty:q!
        OriginalQty:q! ReasonCode:s ShippedQty:q Subitem:s UOM:s WarehouseID:s
        """,
        details="""
        Allocations:ShipmentDetailAllocation
        """,
    ),
    define(
        "ShipmentOrderDetail",
        """
        InventoryDocType:s InventoryRefNbr:s InvoiceNbr:s InvoiceType:s OrderNbr:s OrderNoteID:g
        OrderType:s ShipmentNbr:s ShipmentType:s ShippedQty:q ShippedVolume:q ShippedWeight:q
        """,
    ),
    define(
        "ShipToSettings",
        """
        ShipToAddressOverride:b ShipToContactOverride:b Validated:b
        """,
        links="""
        ShipToAddress:Address ShipToContact:DocContact
        """,
    ),
    define(
        "SalesInvoiceDetail",
        view="Transactions",
        fields="""
        Account:s@24>account Amount:d! BranchID:s>branch CalculateDiscountsOnImport:b CostCode:s
        Description:s! DiscountAmount:d DiscountPercent:q ExpirationDate:D ExternalRef:s@24
        InventoryDocType:s! InventoryID:s>inventory InventoryRefNbr:s! LineNbr:i! Location:s
        LotSerialNbr:s ManualDiscount:b ManualPrice:b@24 NoteID:g@24! OrderLineNbr:i OrderNbr:s
        OrderType:s OrigInvLineNbr:i OrigInvNbr:s OrigInvType:s ProjectTask:s Qty:q
        ShipmentNbr:s SubAccount:s@24 Subitem:s TaxCategory:s>tax_category TransactionDescr:s
        UOM:s UnitPrice:q WarehouseID:s>warehouse
        """,
        row_keys="LineNbr",
    ),
    define(
        "SalesInvoiceAddress",
        """
        AddressLine1:s AddressLine2:s City:s Country:s>country PostalCode:s State:s
        BuildingName:s@25 BuildingNumber:s@25 Department:s@25 DistrictName:s@25
        Floor:s@25 PostBox:s@25 Room:s@25 StreetName:s@25 SubDepartment:s@25
        TownLocationName:s@25 UnitNumber:s@25
        """,
    ),
    define(
        "SalesInvoiceDocContact",
        """
        Attention:s BusinessName:s Email:s Phone1:s
        """,
    ),
    define(
        "SalesInvoiceFinancialDetails",
        """
        BatchNbr:s Branch:s CustomerTaxZone:s
        """,
    ),
    define(
        "SalesInvoiceApplicationInvoice",
        """
        AdjustedDocReferenceNbr:s AdjustingDocReferenceNbr:s AdjustmentNbr:i AmountPaid:d
        Balance:d CashDiscountTaken:d Currency:s Customer:s Description:s DocType:s
        DocumentType:s PaymentDate:D PaymentPeriod:s PaymentRef:s Status:s
        """,
    ),
    define(
        "SalesInvoiceApplicationCreditMemo",
        """
        AmountPaid:d Balance:d Currency:s Customer:s CustomerOrder:s Date:D Description:s
        DocType:s PostPeriod:s ReferenceNbr:s Status:s
        """,
    ),
    define(
        "SalesInvoiceTaxDetail",
        """
        TaxAmount:d TaxID:s TaxableAmount:d
        """,
    ),
    define(
        "SalesInvoiceDiscountDetails",
        """
        Description:s DiscountAmount:d DiscountCode:s DiscountPercent:q DiscountableAmount:d
        DiscountableQty:q ExternalDiscountCode:s FreeItem:s FreeItemQty:q ManualDiscount:b
        OrderNbr:s OrderType:s SequenceID:s SkipDiscount:b Type:s
        """,
    ),
    define(
        "BillToSettings",
        """
        BillToAddressOverride:b BillToContactOverride:b CustomerLocation:s
        """,
        links="""
        BillToAddress:Address BillToContact:DocContact
        """,
    ),
    define(
        "InvoiceDetail",
        view="Transactions",
        fields="""
        Account:s>account Amount:d! Branch:s>branch CalculateDiscountsOnImport:b CostCode:s
        DiscountAmount:d ExtendedPrice:d InventoryID:s>inventory LastModifiedDateTime:t!
        LineNbr:i! ProjectTask:s Qty:q Subaccount:s Subitem:s TaxCategory:s>tax_category
        TransactionDescription:s UOM:s UnitPrice:q
        """,
        row_keys="LineNbr",
    ),
    define(
        "InvoiceTaxDetail",
        """
        TaxAmount:d TaxID:s TaxRate:q TaxableAmount:d
        """,
    ),
    define(
        "InvoiceDiscountDetail",
        """
        Description:s DiscountAmount:d DiscountCode:s DiscountPercent:q DiscountableAmount:d
        DiscountableQty:q ExternalDiscountCode:s ManualDiscount:b OrderNbr:s OrderType:s
        RetainedDiscount:d SequenceID:s SkipDiscount:b Type:s
        """,
    ),
    define(
        "InvoiceApplicationsDefault",
        """
        AmountPaid:d Balance:d CashDiscountTaken:d DocType:s PaymentDate:D ReferenceNbr:s
        Status:s
        """,
    ),
    define(
        "InvoiceApplicationsCreditMemo",
        """
        AmountPaid:d Balance:d Customer:s CustomerOrder:s Description:s DocType:s PostPeriod:s
        ReferenceNbr:s Status:s
        """,
    ),
    define(
        "PaymentDetail",
        """
        AmountPaid:d BalanceWriteOff:d CashDiscountTaken:d CustomerOrder:s! Description:s!
        DocLineNbr:i DocType:s ReferenceNbr:s WriteOffReasonCode:s
        """,
        row_keys="DocType ReferenceNbr",
    ),
    define(
        "PaymentOrderDetail",
        """
        AppliedToOrder:d OrderNbr:s OrderType:s
        """,
        row_keys="OrderType OrderNbr",
    ),
    define(
        "PaymentApplicationHistoryDetail",
        """
        AdjustedDocType:s AdjustedRefNbr:s AdjustingDocType:s AdjustingRefNbr:s AdjustmentNbr:i
        AdjustsVAT:b AmountPaid:d ApplicationPeriod:s Balance:d BalanceWriteOff:d BatchNbr:s
        CashDiscountBalance:d CashDiscountDate:D CashDiscountTaken:d CurrencyID:s Customer:s
        CustomerOrder:s Date:D Description:s DisplayDocType:s DisplayRefNbr:s DueDate:D
        PostPeriod:s VATCreditMemo:s
        """,
    ),
    define(
        "PaymentCharge",
        """
        AccountID:s Amount:d Description:s DocType:s EntryTypeID:s LineNbr:i RefNbr:s SubID:s
        """,
    ),
    define(
        "Commissions", "DefaultSalesperson:s>salesperson", details="SalesPersons:SalesPersonDetail"
    ),
)
