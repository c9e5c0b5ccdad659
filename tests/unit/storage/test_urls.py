import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage.database import open_connection
from ml_connector.storage.urls import connection_arguments, with_database, without_password

database_names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_usual_scheme_reaches_the_driver_as_its_own(scheme):
    arguments = connection_arguments(f"{scheme}://me:secret@db.example:6432/work")

    assert arguments == {"dsn": "postgresql://me:secret@db.example:6432/work"}


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite:///file", "host/db", ""])
def test_other_schemes_are_refused(url):
    with pytest.raises(ConfigurationError, match="postgresql://"):
        connection_arguments(url)


def test_tls_options_pass_through():
    url = (
        "postgresql://h/db?sslmode=verify-full&sslrootcert=/etc/ca%20root.pem&sslcert=/c&sslkey=/k"
    )

    assert connection_arguments(url) == {"dsn": url}


def test_options_of_libpq_alone_are_not_sent_to_the_server():
    url = "postgresql://h/db?gssencmode=disable&keepalives=1&sslsni=1&application_name=x"

    assert connection_arguments(url) == {"dsn": "postgresql://h/db?application_name=x"}


def test_connect_timeout_becomes_the_drivers():
    arguments = connection_arguments("postgresql://h/db?connect_timeout=7")

    assert arguments == {"dsn": "postgresql://h/db", "timeout": 7.0}


def test_connect_timeout_that_is_no_number_is_named():
    with pytest.raises(ConfigurationError, match="connect_timeout=soon"):
        connection_arguments("postgresql://h/db?connect_timeout=soon")


def test_system_roots_verify_certificate_and_host():
    arguments = connection_arguments("postgresql://h/db?sslrootcert=system")

    assert arguments["ssl"].verify_mode is ssl.CERT_REQUIRED
    assert arguments["ssl"].check_hostname
    assert arguments["dsn"] == "postgresql://h/db"


def test_system_roots_with_a_weaker_mode_are_refused():
    with pytest.raises(ConfigurationError, match="verify-full"):
        connection_arguments("postgresql://h/db?sslrootcert=system&sslmode=require")


def test_demanded_channel_binding_is_refused_and_an_offered_one_is_left_out():
    offered = connection_arguments("postgresql://h/db?channel_binding=prefer")

    assert offered == {"dsn": "postgresql://h/db"}
    with pytest.raises(ConfigurationError, match="channel_binding"):
        connection_arguments("postgresql://h/db?channel_binding=require")


def test_password_is_hidden_wherever_it_stands():
    url = "postgresql://me:hunter2@h/db?sslmode=require&sslpassword=hunter2&password=hunter2"

    shown = without_password(url)

    assert "hunter2" not in shown
    assert shown.startswith("postgresql://me:***@h/db?sslmode=require")


def test_url_without_a_password_is_shown_as_it_is():
    url = "postgresql://me@/db?host=/run/mlc-1&port=5432"

    assert without_password(url) == url


@given(name=database_names)
def test_another_database_keeps_host_and_options(name):
    url = with_database("postgresql://me@/work?host=/run/x&dbname=other&port=6432", name)

    path, _, query = url.partition("?")
    assert query == "host=/run/x&port=6432"
    assert path.startswith("postgresql://me@/")
    assert "/" not in path.removeprefix("postgresql://me@/")


async def test_server_with_a_certificate_of_the_named_root_is_reached(tls_server):
    url = f"{tls_server.url}?sslmode=verify-full&sslrootcert={tls_server.certificate}"

    with pytest.raises(asyncpg.InvalidPasswordError):  # its answer, once it is trusted
        await open_connection(url)


async def test_server_with_a_certificate_of_another_root_is_not_talked_to(tls_server):
    url = f"{tls_server.url}?sslrootcert=system"

    with pytest.raises(ssl.SSLCertVerificationError):
        await open_connection(url)


async def test_unknown_options_reach_the_server_as_settings(database_url):
    connection = await open_connection(f"{database_url}&work_mem=3MB")

    assert await connection.fetchval("SHOW work_mem") == "3MB"
    await connection.close()


@dataclass
class TLSServer:
    url: str
    certificate: Path


@pytest.fixture
async def tls_server(tmp_path):
    """A server that agrees to TLS, as PostgreSQL does, and then refuses the password."""
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(8)  # SSLRequest
            writer.write(b"S")
            await writer.start_tls(context)
            await reader.read(4)  # the beginning of the start-up message
            fields = b"SFATAL\0C28P01\0Mno such password\0\0"
            writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
            await writer.drain()
        except OSError:
            return  # the client does not trust us
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield TLSServer(f"postgresql://me:secret@localhost:{port}/db", certificate)
    server.close()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = (folder / "certificate.pem", folder / "key.pem")
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
