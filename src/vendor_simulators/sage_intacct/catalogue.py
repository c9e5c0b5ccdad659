"""The objects that the company has, as the sheet of their fields names them."""

from __future__ import annotations

from collections.abc import Mapping

from vendor_simulators.sage_intacct.definitions import Definition, Relation, define

# Dimensions: what a journal line calls it, the object, the account's switch, its usual term.
DIMENSIONS: tuple[tuple[str, str, str, str], ...] = (
    ("DEPARTMENT", "DEPARTMENT", "REQUIREDEPT", "Department"),
    ("LOCATION", "LOCATION", "REQUIRELOC", "Location"),
    ("PROJECTID", "PROJECT", "REQUIREPROJECT", "Project"),
    ("TASKID", "TASK", "REQUIRETASK", "Task"),
    ("CUSTOMERID", "CUSTOMER", "REQUIRECUSTOMER", "Customer"),
    ("VENDORID", "VENDOR", "REQUIREVENDOR", "Vendor"),
    ("EMPLOYEEID", "EMPLOYEE", "REQUIREEMPLOYEE", "Employee"),
    ("ITEMID", "ITEM", "REQUIREITEM", "Item"),
    ("CLASSID", "CLASS", "REQUIRECLASS", "Class"),
    ("CONTRACTID", "CONTRACT", "REQUIRECONTRACT", "Contract"),
    ("WAREHOUSEID", "WAREHOUSE", "REQUIREWAREHOUSE", "Warehouse"),
)
_REQUIRE = ", ".join(f"{switch} b" for _, _, switch, _ in DIMENSIONS)
_LINE_DIMENSIONS = ", ".join(f"{name} t40" for name, *_ in DIMENSIONS)
_CONTACT_FIELDS = (
    "PRINTAS t200 required, COMPANYNAME t200, PREFIX t10, FIRSTNAME t40, LASTNAME t40, "
    "INITIAL t10, TAXABLE b, TAXGROUP t40, PHONE1 t30, PHONE2 t30, CELLPHONE t30, PAGER t30, "
    "FAX t30, EMAIL1 t200, EMAIL2 t200, URL1 t200, URL2 t200, MAILADDRESS.ADDRESS1 t80, "
    "MAILADDRESS.ADDRESS2 t80, MAILADDRESS.ADDRESS3 t80, MAILADDRESS.CITY t80, "
    "MAILADDRESS.STATE t40, MAILADDRESS.ZIP t30, MAILADDRESS.COUNTRY t60, "
    "MAILADDRESS.COUNTRYCODE t2"
)
_PARTY = (
    "NAME t100 required, TAXID t40, CREDITLIMIT d, TOTALDUE d readonly, COMMENTS t1000, "
    "CURRENCY t3, ONETIME b, ONHOLD b, HIDEDISPLAYCONTACT b, GLGROUP t40, SUPDOCID t40, "
    "OBJECTRESTRICTION restriction, RESTRICTEDLOCATIONS t1000, RESTRICTEDDEPARTMENTS t1000, "
    "DISPLAYCONTACTKEY n readonly, CONTACTINFO.CONTACTNAME t200 of=CONTACT, "
    "STATE approval readonly"
)
_DISPLAY_CONTACT = Relation("DISPLAYCONTACT", "CONTACT", "DISPLAYCONTACTKEY", "RECORDNO")
_ACCOUNT = (
    "ACCOUNTNO t24 required immutable, TITLE t80 required, CATEGORY t80, ACCOUNTTYPE accounttype, "
    "NORMALBALANCE normalbalance, CLOSINGTYPE closingtype, CLOSINGACCOUNTNO t24, "
    f"ALTERNATIVEACCOUNT alternative, TAXABLE b, SUBLEDGERCONTROLON b, {_REQUIRE}"
)
_JOURNAL = "SYMBOL t4 required immutable, TITLE t80 required"
_LINE = (
    "LINE_NO n readonly, TR_TYPE trtype, ENTRY_DATE D readonly, AMOUNT d, TRX_AMOUNT d, "
    "CURRENCY t3, BASECURR t3 readonly, EXCH_RATE_DATE D, EXCH_RATE_TYPE_ID t40, EXCHANGE_RATE d, "
    "ACCOUNTKEY n readonly, ACCOUNTNO t24, ACCOUNTTITLE t80 readonly, STATISTICAL f readonly, "
    f"DESCRIPTION t1000, DOCUMENT t30, BILLABLE b, {_LINE_DIMENSIONS}"
)
_GL, _AP, _AR = "General Ledger", "Accounts Payable", "Accounts Receivable"

_PARTIES = (
    define(
        "VENDOR",
        "Vendor",
        "VENDORID t20 immutable, PARENTKEY n readonly, PARENTID t20 of=VENDOR, PARENTNAME t100 "
        "readonly, VENDTYPE t80 of=VENDTYPE, TERMNAME t40 of=APTERM, VENDORACCOUNTNO t40, "
        "BILLINGTYPE t20, ACCOUNTLABEL t80, APACCOUNT t24 of=GLACCOUNT, APACCOUNTTITLE t80, "
        "OFFSETGLACCOUNTNO t24 of=GLACCOUNT, DONOTCUTCHECK b, PAYMENTPRIORITY t20, NAME1099 t100, "
        "FORM1099TYPE t20, FORM1099BOX t20, PAYMETHODKEY t40, DISPLAYTERMDISCOUNT b, "
        "PAYMENTNOTIFY b, MERGEPAYMENTREQ b, PAYTO.CONTACTNAME t200 of=CONTACT, "
        f"RETURNTO.CONTACTNAME t200 of=CONTACT, {_PARTY}",
        key="VENDORID",
        relations=(_DISPLAY_CONTACT, Relation("PARENT", "VENDOR", "PARENTID", "VENDORID")),
        application=_AP,
    ),
    define(
        "CUSTOMER",
        "Customer",
        "CUSTOMERID t20 immutable, ENTITY t30 readonly, PARENTKEY n readonly, PARENTID t20 "
        "of=CUSTOMER, PARENTNAME t100 readonly, CUSTTYPE t80 of=CUSTTYPE, TERMNAME t40 of=ARTERM, "
        "CUSTREPID t20, TERRITORYID t20, ARACCOUNT t24 of=GLACCOUNT, OFFSETGLACCOUNTNO t24 "
        "of=GLACCOUNT, SHIPPINGMETHOD t40, RESALENO t40, DELIVERY_OPTIONS t20, "
        f"BILLTO.CONTACTNAME t200 of=CONTACT, SHIPTO.CONTACTNAME t200 of=CONTACT, {_PARTY}",
        key="CUSTOMERID",
        relations=(_DISPLAY_CONTACT, Relation("PARENT", "CUSTOMER", "PARENTID", "CUSTOMERID")),
        application=_AR,
    ),
    define(
        "CONTACT",
        "Contact",
        f"CONTACTNAME t200 required immutable, {_CONTACT_FIELDS}",
        key="CONTACTNAME",
    ),
    define(
        "EMPLOYEE",
        "Employee",
        "EMPLOYEEID t20 required immutable, CONTACTKEY n, TITLE t100, LOCATIONID t20 of=LOCATION, "
        "DEPARTMENTID t20 of=DEPARTMENT, STARTDATE D, ENDDATE D",
        key="EMPLOYEEID",
        relations=(Relation("CONTACT", "CONTACT", "CONTACTKEY", "RECORDNO"),),
    ),
    define("VENDTYPE", "Vendor type", "NAME t80 required immutable", key="NAME", application=_AP),
    define("CUSTTYPE", "Customer type", "NAME t80 required immutable", key="NAME", application=_AR),
    define("APTERM", "AP term", "NAME t40 required immutable", key="NAME", application=_AP),
    define("ARTERM", "AR term", "NAME t40 required immutable", key="NAME", application=_AR),
)

_DIMENSION_OBJECTS = (
    define(
        "DEPARTMENT",
        "Department",
        "DEPARTMENTID t20 required immutable, TITLE t80 required, PARENTKEY n readonly, PARENTID "
        "t20 of=DEPARTMENT, SUPERVISORID t20, SUPERVISORNAME t100 readonly, CUSTTITLE t80",
        key="DEPARTMENTID",
    ),
    define(
        "LOCATION",
        "Location",
        "LOCATIONID t20 required immutable, NAME t80 required, PARENTID t20 of=LOCATION, "
        "SUPERVISORID t20, CURRENCY t3, STARTDATE D, ENDDATE D, ENTITY t20 readonly",
        key="LOCATIONID",
        is_shared=True,
    ),
    define(
        "LOCATIONENTITY",
        "Entity",
        "LOCATIONID t20 required immutable, NAME t80 required, CURRENCY t3, STARTDATE D, ENDDATE "
        "D, FIRSTMONTH n",
        key="LOCATIONID",
        plural="Entities",
        is_shared=True,
        is_writable=False,
    ),
    define(
        "CLASS",
        "Class",
        "CLASSID t20 required immutable, NAME t80 required, DESCRIPTION t500, PARENTKEY n "
        "readonly, PARENTID t20 of=CLASS",
        key="CLASSID",
        plural="Classes",
    ),
    define(
        "PROJECT",
        "Project",
        "PROJECTID t20 required immutable, NAME t100 required, DESCRIPTION t1000, CURRENCY t3, "
        "PROJECTCATEGORY t40, PROJECTSTATUS t40, PROJECTTYPE t80, PARENTID t20 of=PROJECT, "
        "CUSTOMERID t20 of=CUSTOMER, CUSTOMERNAME t100 readonly, DEPARTMENTID t20 of=DEPARTMENT, "
        "DEPARTMENTNAME t80 readonly, LOCATIONID t20 of=LOCATION, BEGINDATE D, ENDDATE D",
        key="PROJECTID",
        application="Projects",
    ),
    define(
        "TASK",
        "Task",
        "TASKID t20 required immutable, NAME t100 required, PROJECTID t20 of=PROJECT",
        key="TASKID",
        application="Projects",
    ),
    define(
        "ITEM",
        "Item",
        "ITEMID t30 required immutable, NAME t100 required, ITEMTYPE t40, PRODUCTLINEID t40, "
        "GLGROUP t40, EXTENDED_DESCRIPTION t1000",
        key="ITEMID",
        application="Inventory Control",
    ),
    define(
        "CONTRACT", "Contract", "CONTRACTID t20 required immutable, NAME t100", key="CONTRACTID"
    ),
    define(
        "WAREHOUSE", "Warehouse", "WAREHOUSEID t20 required immutable, NAME t100", key="WAREHOUSEID"
    ),
)

_LEDGER = (
    define("GLACCOUNT", "Account", _ACCOUNT, key="ACCOUNTNO", application=_GL),
    define(
        "STATACCOUNT",
        "Statistical account",
        _ACCOUNT,
        key="ACCOUNTNO",
        application=_GL,
        policy="Accounts",
    ),
    define(
        "CHECKINGACCOUNT",
        "Checking account",
        "BANKACCOUNTID t20 required immutable, BANKNAME t80, GLACCOUNTNO t24 of=GLACCOUNT",
        key="BANKACCOUNTID",
        application="Cash Management",
        is_writable=False,
    ),
    define("JOURNAL", "Journal", _JOURNAL, key="SYMBOL", application=_GL),
    define(
        "STATJOURNAL",
        "Statistical journal",
        _JOURNAL,
        key="SYMBOL",
        application=_GL,
        policy="Journals",
    ),
    define(
        "GAAPADJJRNL",
        "GAAP adjustment journal",
        _JOURNAL,
        key="SYMBOL",
        application=_GL,
        policy="Journals",
    ),
    define(
        "TAXADJJRNL",
        "Tax adjustment journal",
        _JOURNAL,
        key="SYMBOL",
        application=_GL,
        policy="Journals",
    ),
    define(
        "USERADJJRNL",
        "User adjustment journal",
        _JOURNAL,
        key="SYMBOL",
        application=_GL,
        policy="Journals",
    ),
    define(
        "GLBATCH",
        "GLBatch",
        "BATCHNO n readonly, BATCH_TITLE t80 required, BATCH_DATE D required, JOURNAL t4 required "
        "immutable, JOURNALKEY n readonly, STATE entrystate, REFERENCENO t20, HISTORY_COMMENT "
        "t1000, REVERSEDATE D, MODULE t10 readonly, ADJ f readonly, BASELOCATION n readonly, "
        "BASELOCATION_NO t20 of=LOCATION, BASELOCATION_NAME t80 readonly, REVERSED D readonly, "
        "REVERSEDFROM D readonly, REVERSEDKEY n readonly, MODIFIED T readonly, MODIFIEDBYID t80 "
        "readonly, USERINFO.LOGINID t80 readonly, SUPDOCID t40, TAXIMPLICATIONS t20",
        plural="Journal Entries",
        relations=(Relation("JOURNAL", "JOURNAL", "JOURNALKEY", "RECORDNO"),),
        application=_GL,
    ),
    define(
        "GLENTRY",
        "GLEntry",
        "BATCHNO n readonly, BATCH_NUMBER n readonly, BATCH_DATE D readonly, BATCHTITLE t80 "
        f"readonly, {_LINE}",
        plural="Journal Entries",
        relations=(
            Relation("GLBATCH", "GLBATCH", "BATCHNO", "RECORDNO"),
            Relation("GLACCOUNT", "GLACCOUNT", "ACCOUNTKEY", "RECORDNO"),
        ),
        application=_GL,
        is_writable=False,
    ),
    define(
        "GLDETAIL",
        "GLDetail",
        "BATCHKEY n, BATCH_DATE D, BATCH_NO n, BATCH_TITLE t80, SYMBOL t4, DEBITAMOUNT d, "
        f"CREDITAMOUNT d, {_LINE}",
        plural="Journal Entries",
        relations=(Relation("GLBATCH", "GLBATCH", "BATCHKEY", "RECORDNO"),),
        application=_GL,
        is_writable=False,
    ),
    define(
        "REPORTINGPERIOD",
        "Reporting period",
        "NAME t80 required immutable, HEADER1 t80, HEADER2 t80, START_DATE D required, END_DATE D "
        "required, BUDGETING b",
        key="NAME",
        application=_GL,
        is_shared=True,
    ),
)

_REST = (
    define(
        "APBILL",
        "Bill",
        "RECORDID t40, VENDORID t20, VENDORNAME t100, STATE billstate, RAWSTATE t2, DOCNUMBER t40, "
        "DESCRIPTION t1000, TERMNAME t40, WHENCREATED D, WHENPOSTED D, WHENDUE D, WHENPAID D, "
        "RECPAYMENTDATE D, CURRENCY t3, BASECURR t3, TOTALENTERED d, TOTALPAID d, TOTALSELECTED d, "
        "TOTALDUE d, TRX_TOTALENTERED d, TRX_TOTALDUE d, PAYMENTPRIORITY t20, ONHOLD b, PRBATCH "
        "t80, MODULEKEY t10, RECORDTYPE t10, SYSTEMGENERATED f, AUWHENCREATED T readonly",
        relations=(Relation("VENDOR", "VENDOR", "VENDORID", "VENDORID"),),
        application=_AP,
        is_writable=False,
    ),
    define(
        "APBILLITEM",
        "Bill line",
        "RECORDKEY n, ACCOUNTNO t24, TRX_AMOUNT d, AMOUNT d, ENTRYDESCRIPTION t1000, LINE_NO n, "
        "DEPARTMENTID t20, LOCATIONID t20, PROJECTID t20, CUSTOMERID t20, VENDORID t20, ITEMID "
        "t30, CLASSID t20",
        relations=(Relation("APBILL", "APBILL", "RECORDKEY", "RECORDNO"),),
        application=_AP,
        policy="Bills",
        is_writable=False,
    ),
    define(
        "APPYMT",
        "Payment",
        "FINANCIALENTITY t40, PAYMENTMETHOD t40, VENDORID t20, DOCNUMBER t40, DESCRIPTION t1000, "
        "PAYMENTDATE D, CURRENCY t3, STATE paymentstate",
        relations=(Relation("VENDOR", "VENDOR", "VENDORID", "VENDORID"),),
        application=_AP,
        is_writable=False,
    ),
    define(
        "AUDITHISTORY",
        "Audit history",
        "OBJECTTYPE t40, OBJECTKEY t100, OBJECTDESC t200, USERID t80, ACCESSTIME T, ACCESSMODE "
        "t20, SOURCE t10, WORKFLOWACTION t40",
        plural="Audit history",
        is_writable=False,
        has_audit=False,
        is_shared=True,
    ),
)

OBJECTS: Mapping[str, Definition] = {
    one.name: one for one in (*_PARTIES, *_DIMENSION_OBJECTS, *_LEDGER, *_REST)
}
JOURNAL_OBJECTS = ("JOURNAL", "STATJOURNAL", "GAAPADJJRNL", "TAXADJJRNL", "USERADJJRNL")
