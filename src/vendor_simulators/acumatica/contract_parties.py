"""Customers, business accounts, contacts and their addresses.

The notation of the field lists is explained in contract.py; the lists follow the OpenAPI document
of Default/24.200.001 and, where marked, the versions around it.
"""

from __future__ import annotations

from vendor_simulators.acumatica.contract import Entity, define

PARTIES: tuple[Entity, ...] = (
    define(
        "Customer",
        """
        AccountRef:s ApplyOverdueCharges:b AutoApplyPayments:b BAccountID:i!
        BillingAddressOverride:b BillingContactOverride:b CreatedDateTime:t! CreditLimit:d
        CurrencyID:s>currency CurrencyRateType:s CustomerCategory:s@23
        CustomerClass:s>customer_class CustomerID:s CustomerName:s* Email:s@23
        EnableCurrencyOverride:b EnableRateOverride:b EnableWriteOffs:b EntityUsageType:s
        FOBPoint:s IsGuestCustomer:b LastModifiedDateTime:t! LeadTimedays:i LocationName:s
        MultiCurrencyStatements:b NoteID:g! OrderPriority:i ParentRecord:s>customer
        PriceClassID:s>price_class PrimaryContactID:i@23 PrintDunningLetters:b PrintInvoices:b
        PrintStatements:b ResidentialDelivery:b RestrictVisibilityTo:s SaturdayDelivery:b
        SendDunningLettersbyEmail:b SendInvoicesbyEmail:b SendStatementsbyEmail:b
        ShipVia:s>ship_via ShippingAddressOverride:b ShippingBranch:s>branch
        ShippingContactOverride:b ShippingRule:s ShippingTerms:s>shipping_terms ShippingZoneID:s
        StatementCycleID:s>statement_cycle StatementType:s Status:s=customer_status
        TaxExemptionNumber:s TaxRegistrationID:s TaxZone:s>tax_zone Terms:s>terms
        WarehouseID:s>warehouse WriteOffLimit:d
        """,
        title="Customer",
        screen="AR303000",
        graph="PX.Objects.AR.CustomerMaint",
        view="BAccount",
        keys="CustomerID",
        links="""
        BillingContact:Contact CreditVerificationRules:CreditVerificationRules
        MainContact:Contact PrimaryContact:Contact ShippingContact:Contact
        """,
        details="""
        Attributes:AttributeValue Contacts:CustomerContact!
        PaymentInstructions:BusinessAccountPaymentInstructionDetail
        Salespersons:CustomerSalesPerson
        """,
    ),
    define(
        "Contact",
        """
        Active:b AddressValidated:b! Attention:s BusinessAccount:s>business_account
        CompanyName:s ContactClass:s ContactID:i ContactMethod:s ConvertedBy:s DateOfBirth:D
        DisplayName:s! DoNotCall:b DoNotEmail:b DoNotFax:b DoNotMail:b Duplicate:s!
        DuplicateFound:b! Email:s ExtRefNbr:s@24 Fax:s FaxType:s FirstName:s FullName:s!
        Gender:s Image:s JobTitle:s LanguageOrLocale:s LastIncomingActivity:t!
        LastModifiedDateTime:t! LastName:s* LastOutgoingActivity:t! MaritalStatus:s MiddleName:s
        NoMarketing:b NoMassMail:b NoteID:g! OverrideAccountAddress:b Owner:s
        OwnerEmployeeName:s! ParentAccount:s Phone1:s Phone1Type:s Phone2:s Phone2Type:s
        Phone3:s Phone3Type:s QualificationDate:D Reason:s Source:s SourceCampaign:s
        SpouseOrPartnerName:s Status:s=contact_status Synchronize:b Title:s Type:s! WebSite:s
        Workgroup:s WorkgroupDescription:s!
        """,
        title="Contact",
        screen="CR302000",
        graph="PX.Objects.CR.ContactMaint",
        view="Contact",
        keys="ContactID",
        links="""
        Address:Address UserInfo:ContactUserInfo
        """,
        details="""
        Activities:ActivityDetail Attributes:AttributeValue Campaigns:CampaignDetail
        Cases:CaseDetail Duplicates:ContactDuplicateDetail MarketingLists:MarketingListDetail
        Notifications:ContactNotification Opportunities:OpportunityDetail
        Relations:RelationDetail RoleAssignments:BCRoleAssignment
        """,
    ),
    define(
        "BusinessAccount",
        """
        AccountRef:s BusinessAccountID:s ClassID:s CurrencyID:s>currency Duplicate:s!
        EnableCurrencyOverride:b LastIncomingActivity:t! LastModifiedDateTime:t!
        LastOutgoingActivity:t! LocaleName:s@25 MainAddressValidated:b! Name:s* NoteID:g! Owner:s
        OwnerEmployeeName:s! ParentAccount:s ShippingAddressOverride:b
        ShippingAddressValidated:b! SourceCampaign:s Status:s=customer_status Type:s!
        Workgroup:s WorkgroupDescription:s!
        """,
        title="Business Account",
        screen="CR303000",
        graph="PX.Objects.CR.BusinessAccountMaint",
        view="BAccount",
        keys="BusinessAccountID",
        links="""
        DefaultLocationSettings:BusinessAccountDefaultLocationSetting MainAddress:Address
        MainContact:BusinessAccountMainContact PrimaryContact:Contact ShippingAddress:Address
        ShippingContact:BusinessAccountShippingContact
        """,
        details="""
        Activities:ActivityDetail Attributes:AttributeValue Campaigns:CampaignDetail
        Cases:BusinessAccountCaseDetail Contacts:BusinessAccountContact!
        Contracts:BusinessAccountContract Duplicates:DuplicateDetail
        Locations:BusinessAccountLocation MarketingLists:MarketingListDetail
        Opportunities:BusinessAccountOpportunityDetail Orders:BusinessAccountOrder!
        Relations:RelationDetail
        """,
    ),
    define(
        "CustomerLocation",
        """
        Active:b AddressOverride:b Calendar:s ContactOverride:b CreatedDateTime:t!
        Customer:s>customer Default:b DefaultProject:s EntityUsageType:s ExtRefNbr:s FOBPoint:s
        FedExGroundCollect:b Insurance:b LastModifiedDateTime:t! LeadTimeDays:i LocationID:s
        LocationName:s NoteID:g! OrderPriority:i PriceClass:s ResidentialDelivery:b
        SaturdayDelivery:b ShipVia:s ShippingBranch:s ShippingRule:s ShippingTerms:s
        ShippingZone:s Status:s TaxExemptionNbr:s TaxRegistrationID:s TaxZone:s Warehouse:s
        """,
        title="Location",
        screen="AR303020",
        graph="PX.Objects.AR.CustomerLocationMaint",
        view="Location",
        keys="Customer LocationID",
        links="""
        LocationContact:Contact
        """,
        details="""
        RoleAssignments:BCRoleAssignment
        """,
    ),
    define(
        "CustomerClass",
        """
        ARAccount:s ARSubaccount:s ApplyOverdueCharges:b AutoApplyPayments:b COGSAccount:s
        COGSSubaccount:s CashDiscountAccount:s CashDiscountSubaccount:s ClassID:s Country:s
        CreatedDateTime:t! CreditDaysPastDue:i CreditLimit:d CreditVerification:s
        CurrencyID:s>currency CurrencyRateType:s DefaultLocationIDfromBranch:b
        DefaultRestrictionGroup:s Description:s DiscountAccount:s DiscountSubaccount:s
        EnableCurrencyOverride:b EnableRateOverride:b EnableWriteOffs:b EntityUsageType:s
        FreightAccount:s FreightSubaccount:s GroupDocumentDiscountLimit:d
        LastModifiedDateTime:t! MiscAccount:s MiscSubaccount:s MultiCurrencyStatements:b
        OverLimitAmount:d OverdueChargeID:s PaymentMethod:s PrepaymentAccount:s
        PrepaymentSubaccount:s PrintDunningLetters:b PrintInvoices:b PrintStatements:b
        RequireEntityUsageType:b RequireTaxZone:b SalesAccount:s SalesSubaccount:s
        SalespersonID:s SendDunningLettersbyEmail:b SendInvoicesbyEmail:b
        SendStatementsByEmail:b ShipVia:s ShippingRule:s ShippingTerms:s StatementCycleID:s
        StatementType:s TaxZoneID:s>tax_zone Terms:s>terms UnrealizedGainAccount:s
        UnrealizedGainSubaccount:s UnrealizedLossAccount:s UnrealizedLossSubaccount:s
        WriteOffLimit:d
        """,
        title="Customer Class",
        screen="AR201000",
        graph="PX.Objects.AR.CustomerClassMaint",
        view="CustomerClassRecord",
        keys="ClassID",
        details="""
        Attributes:BusinessAccountClassAttributeDetail
        """,
    ),
    define(
        "CustomerPriceClass",
        """
        CreatedDateTime:t! Description:s LastModifiedDateTime:t! NoteID:g! PriceClassID:s
        """,
        title="Customer Price Class",
        screen="AR208000",
        graph="PX.Objects.AR.ARPriceClassMaint",
        view="ARPriceClass",
        keys="PriceClassID",
    ),
    define(
        "Salesperson",
        """
        CreatedDateTime:t! DefaultCommission:q IsActive:b LastModifiedDateTime:t! Name:s
        SalesSubaccount:s SalespersonID:s
        """,
        title="Salesperson",
        screen="AR205000",
        graph="PX.Objects.AR.SalesPersonMaint",
        view="Salesperson",
        keys="SalespersonID",
    ),
    define(
        "Address",
        """
        AddressLine1:s AddressLine2:s City:s Country:s>country PostalCode:s State:s Validated:b!
        BuildingName:s@25 BuildingNumber:s@25 Department:s@25 DistrictName:s@25
        Floor:s@25 PostBox:s@25 Room:s@25 StreetName:s@25 SubDepartment:s@25
        TownLocationName:s@25 UnitNumber:s@25
        """,
    ),
    define(
        "AttributeValue",
        """
        AttributeDescription:s! AttributeID:s IsActive:b RefNoteID:g! Required:b Value:s
        ValueDescription:s!
        """,
        row_keys="AttributeID",
    ),
    define(
        "CustomerContact",
        """
        ContactID:i LastModifiedDateTime:t!
        """,
        links="""
        Contact:Contact
        """,
    ),
    define(
        "CustomerSalesPerson",
        """
        Commission:q Default:b LocationID:s LocationName:s Name:s SalespersonID:s
        """,
        row_keys="SalespersonID",
    ),
    define(
        "CreditVerificationRules",
        """
        CreditDaysPastDue:i CreditLimit:d CreditVerification:s FirstDueDate:D!
        OpenOrdersBalance:d! RemainingCreditLimit:d! UnreleasedBalance:d!
        """,
    ),
    define(
        "BusinessAccountMainContact",
        """
        Attention:s CompanyName:s Email:s Fax:s JobTitle:s LanguageOrLocale:s~25 Phone1:s Phone2:s
        Web:s
        """,
    ),
    define(
        "BusinessAccountContact",
        """
        Active:b City:s ContactID:i DisplayName:s Email:s JobTitle:s Owner:s Phone1:s Type:s
        Workgroup:s
        """,
    ),
    define(
        "BusinessAccountOrder",
        """
        CurrencyID:s CustomerOrder:s Description:s OrderNbr:s OrderTotal:d OrderType:s
        OrderVolume:q OrderWeight:q OrderedQty:q RequestedOn:D ScheduledShipment:D ShipVia:s
        ShippingZone:s Status:s
        """,
    ),
)
