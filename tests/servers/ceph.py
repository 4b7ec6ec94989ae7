"""A Ceph RADOS Gateway on one monitor and one in-memory OSD: the main S3 server of the tests.

Loopback only, no cephx, no mgr. All object data lives in this machine's memory.
Sequence and settings were found by measurement; the two that matter most:
``ms_*_mode=crc`` (without cephx the default is refused) and ``paxos_propose_interval``
(14 s of start-up become 3 s). OSDs take ports 6800 and up by themselves.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers.process import (
    ServerFailedError,
    answers_http,
    free_ports,
    short_folder,
    spawn,
    stop,
    wait_until,
)
from tests.servers.s3_server import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph", "openssl")

# Ceph 16: accepted and neither verified nor kept, or ignored.
LIMITS = frozenset(
    {
        "checksums",
        "complete-if-none-match",
        "copy-if-match",
        "delete-if-match",
        "put-if-match-quoted",
    }
)

_CONF = """\
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{mon_port}/0]
mon_initial_members = a
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_mon_client_mode = crc
ms_client_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
mon_data = {folder}/mon
mon_data_avail_crit = 1
mon_data_avail_warn = 1
mon_osd_nearfull_ratio = .98
mon_osd_full_ratio = .99
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_data = {folder}/osd
osd_objectstore = memstore
memstore_device_bytes = {size}
osd_max_object_name_len = 2048
log_file = {folder}/log/$name.log
mon_cluster_log_file = {folder}/log/cluster.log
run_dir = {folder}/run
admin_socket = {folder}/run/$name.asok
pid_file = {folder}/run/$name.pid
crash_dir = {folder}/run
keyring = /dev/null
debug_ms = 0/0
[client]
pid_file =
admin_socket =
log_file = {folder}/log/client.log
rgw_rados_pool_pg_num_min = 4
[client.rgw]
pid_file = {folder}/run/rgw.pid
admin_socket = {folder}/run/rgw.asok
log_file = {folder}/log/rgw.log
rgw_frontends = beast tcp_nodelay=1 endpoint=127.0.0.1:{http_port} \
ssl_endpoint=127.0.0.1:{tls_port} \
ssl_certificate={folder}/server.pem ssl_private_key={folder}/server.key
rgw_dns_name = localhost
rgw_run_sync_thread = false
rgw_enable_usage_log = false
rgw_enable_quota_threads = false
rgw_init_timeout = 60
rgw_crypt_require_ssl = false
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
rgw_thread_pool_size = 64
debug_rgw = 0/0
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 10
rgw_gc_processor_max_time = 10
"""


def missing() -> list[str]:
    """Return the programs that are not installed (Debian: ceph-mon ceph-osd radosgw openssl)."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Gateway:
    """The gateway's process, which can be killed and started again on the same ports."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._log = folder / "log" / "rgw.out"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers; it ends with the thread that calls this."""
        conf = ("-c", str(self._folder / "ceph.conf"))
        self._process = spawn(["radosgw", "-f", "-n", "client.rgw", *conf], self._log)
        wait_until(lambda: answers_http(self._port), "radosgw", 60, self._process, self._log)

    def kill(self) -> None:
        """End it at once, as a crash would; what was stored stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            stop(self._process)


@dataclass(frozen=True, slots=True)
class Ceph:
    """A running gateway: the same buckets over HTTP and, with a private CA, over HTTPS."""

    http: S3Server
    https: S3Server
    folder: Path = field(repr=False)
    gateway: Gateway = field(repr=False)

    def second_user(self) -> S3Server:
        """Create another user, who owns nothing, and return the HTTP endpoint with its keys."""
        key, secret = "other" + secrets.token_hex(6), secrets.token_hex(20)
        _add_user(self.folder, "other-" + key[-6:], key, secret)
        return S3Server(
            self.http.endpoint, key, secret, name="ceph", region=self.http.region, limits=LIMITS
        )

    def collect_garbage(self) -> None:
        """Free what deleted and replaced objects still hold, also what is not due yet."""
        _run(self.folder, "radosgw-admin", "gc", "process", "--include-all")


def _run(folder: Path, *command: str) -> str:
    """Run one of Ceph's programs to its end and return what it printed."""
    done = subprocess.run(
        [*command, "-c", str(folder / "ceph.conf")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise ServerFailedError(f"{' '.join(command[:3])} failed: {done.stderr[-2000:]}")
    return done.stdout


def _certificates(folder: Path) -> None:
    """Make a private CA and a certificate for localhost, ``*.localhost`` and 127.0.0.1."""
    extensions = folder / "ext"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
        "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1\n"
    )
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for line in (
        f"req -x509 {key} -days 7 -subj /CN=dalbrowser-test-CA -keyout ca.key -out ca.pem"
        " -addext keyUsage=critical,keyCertSign,cRLSign",
        f"req {key} -subj /CN=localhost -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 7"
        " -extfile ext -out server.pem",
    ):
        subprocess.run(
            ["openssl", *line.split()], cwd=folder, check=True, capture_output=True, timeout=30
        )


def _add_user(folder: Path, uid: str, key: str, secret: str) -> None:
    _run(
        folder,
        *("radosgw-admin", "user", "create", f"--uid={uid}", f"--display-name={uid}"),
        *(f"--access-key={key}", f"--secret={secret}"),
    )


def _add_storage_classes(folder: Path) -> None:
    """Let x-amz-storage-class be kept for two classes beside STANDARD."""
    for name in ("STANDARD_IA", "GLACIER"):
        where = ("placement", "add", "--placement-id=default-placement", f"--storage-class={name}")
        _run(folder, "radosgw-admin", "zonegroup", *where, "--rgw-zonegroup=default")
        pool = "--data-pool=default.rgw.cold.data"
        _run(folder, "radosgw-admin", "zone", *where, "--rgw-zone=default", pool)


def _osd_is_up(folder: Path) -> bool:
    try:
        return (
            int(json.loads(_run(folder, "ceph", "osd", "stat", "-f", "json"))["num_up_osds"]) == 1
        )
    except (ServerFailedError, KeyError, ValueError):
        return False


def _mon_answers(folder: Path) -> bool:
    try:
        _run(folder, "ceph", "--connect-timeout", "2", "osd", "dump")
    except ServerFailedError:
        return False
    return True


def _start_cluster(folder: Path, stack: ExitStack, fsid: str, mon_port: int) -> None:
    """Start the monitor and the OSD; they stop with ``stack``."""
    conf = ("-c", str(folder / "ceph.conf"))
    monmap = str(folder / "monmap")
    address = f"[v2:127.0.0.1:{mon_port}]"
    _run(folder, "monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, monmap)
    _run(folder, "ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
    mon = spawn(["ceph-mon", "-f", "-i", "a", *conf], folder / "log" / "mon.out")
    stack.callback(stop, mon)
    wait_until(lambda: _mon_answers(folder), "ceph-mon", 30, mon, folder / "log" / "mon.out")
    osd_id = str(uuid.uuid4())
    _run(folder, "ceph", "osd", "new", osd_id, "0")
    _run(folder, "ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
    osd = spawn(["ceph-osd", "-f", "-i", "0", *conf], folder / "log" / "osd.out")
    stack.callback(stop, osd)
    wait_until(lambda: _osd_is_up(folder), "ceph-osd", 30, osd, folder / "log" / "osd.out")


@contextmanager
def ceph(*, port: int = 0, size: int = 8 << 30) -> Iterator[Ceph]:
    """Run a gateway until the context ends; ``size`` bytes at most are kept, in memory."""
    if gone := missing():
        raise FileNotFoundError(f"{', '.join(gone)} missing; apt install ceph-mon ceph-osd radosgw")
    mon_port, http_port, tls_port = free_ports(3)
    http_port = port or http_port
    fsid = str(uuid.uuid4())
    key, secret = "ceph" + secrets.token_hex(8), secrets.token_hex(20)
    with short_folder("dalc-") as folder, ExitStack() as stack:
        for name in ("mon", "osd", "log", "run"):
            (folder / name).mkdir()
        _certificates(folder)
        (folder / "ceph.conf").write_text(
            _CONF.format(
                fsid=fsid,
                mon_port=mon_port,
                folder=folder,
                size=size,
                http_port=http_port,
                tls_port=tls_port,
            )
        )
        _start_cluster(folder, stack, fsid, mon_port)
        _add_user(folder, "tester", key, secret)
        _add_storage_classes(folder)
        gateway = Gateway(folder, http_port)
        stack.callback(gateway.stop)
        gateway.start()
        plain = S3Server(f"http://127.0.0.1:{http_port}", key, secret, name="ceph", limits=LIMITS)
        secure = S3Server(
            f"https://127.0.0.1:{tls_port}",
            key,
            secret,
            name="ceph-tls",
            ca=os.fspath(folder / "ca.pem"),
            limits=LIMITS,
        )
        yield Ceph(plain, secure, folder, gateway)
