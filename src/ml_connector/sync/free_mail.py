"""Mail providers whose addresses say nothing about a company."""

from __future__ import annotations

# Providers with one domain per country (yahoo.fr, hotmail.co.uk): by their first label.
_FAMILIES = frozenset(
    (
        *("aol", "gmail", "gmx", "googlemail", "hotmail", "inbox", "live", "mail", "msn"),
        *("outlook", "proton", "protonmail", "rocketmail", "tutanota", "yahoo", "yandex", "ymail"),
        *("zoho",),
    )
)
_TOP_LEVELS = frozenset(
    (
        *("at", "be", "ch", "cz", "com", "co", "de", "dk", "es", "eu", "fi", "fr", "gr", "hu"),
        *("ie", "in", "it", "jp", "lv", "me", "net", "nl", "no", "org", "pl", "pt", "ro", "ru"),
        *("se", "sk", "tr", "ua", "uk", "us", "ar", "au", "br", "ca", "mx", "nz", "sg", "za"),
    )
)
_DOMAINS = frozenset(
    (
        *("126.com", "163.com", "aol.co.uk", "arcor.de", "att.net", "bellsouth.net"),
        *("bigpond.com", "blueyonder.co.uk", "bluewin.ch", "btinternet.com", "charter.net"),
        *("comcast.net", "cox.net", "duck.com", "earthlink.net", "email.com", "fastmail.com"),
        *("fastmail.fm", "free.fr", "freenet.de", "getmail.no", "hey.com", "hispeed.ch"),
        *("home.nl", "hushmail.com", "icloud.com", "interia.pl", "jubii.dk", "kpnmail.nl"),
        *("laposte.net", "libero.it", "list.ru", "bk.ru", "mac.com", "mailbox.org"),
        *("mailinator.com", "me.com", "naver.com", "neuf.fr", "ntlworld.com", "o2.pl"),
        *("online.de", "online.no", "onet.pl", "optonline.net", "orange.fr", "pm.me"),
        *("posteo.de", "planet.nl", "qq.com", "rediffmail.com", "sapo.pt", "sbcglobal.net"),
        *("seznam.cz", "sfr.fr", "shaw.ca", "sky.com", "skynet.be", "spray.se", "sympatico.ca"),
        *("t-online.de", "telenet.be", "telia.com", "terra.com.br", "tin.it", "tiscali.it"),
        *("tutamail.com", "uol.com.br", "verizon.net", "virgilio.it", "virgin.net"),
        *("virginmedia.com", "volny.cz", "wanadoo.fr", "web.de", "wp.pl", "xs4all.nl"),
        *("ziggo.nl",),
    )
)


def is_free_mail(domain: str) -> bool:
    """Whether a domain (lower case) belongs to a provider of mail for anyone."""
    family, _, rest = domain.partition(".")
    is_family = family in _FAMILIES and all(label in _TOP_LEVELS for label in rest.split("."))
    return is_family or domain in _DOMAINS
