"""The local target's Ray head, on loopback only, with Serve started where its proxy must listen.

The supervisor runs ``python -m groundplan.local.launch.ray_head name=value…``: ports named as in the contract,
``cpus``, ``memory_mb``, ``object_store_mb``, ``temp``. Ray turns 127.0.0.1 into the machine's address and listens
there, unless it is told that there will never be a second node.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from groundplan.local import processes
from groundplan.local.launch import ha_proxy
from groundplan_runtime.config import Runtime

HOST = "127.0.0.1"
#: Inherited by all that Ray starts. The first makes Ray keep 127.0.0.1 for what it is.
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_DEFAULT_HTTP_HOST": HOST,
    # Serve in one event loop a replica, with gRPC between replicas: no call of ours blocks.
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    # An answer may be larger than what asked for it: gRPC's own limit is 4 MiB a message.
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(64 * 2**20),
    # Serving is as important as what else runs here.
    "RAY_worker_niceness": "0",
    # What `worker_process_setup_hook` of a runtime environment sets, here for every worker of the node.
    "__RAY_WORKER_PROCESS_SETUP_HOOK_ENV_VAR": "groundplan_runtime.loopback.apply",
    "RAY_START_HOOK": "groundplan_runtime.loopback.without_client_server",
}
READY, FREED = 120.0, 60.0
PORT_FLAGS = {
    "port": "ray_gcs",
    "node-manager-port": "ray_node_manager",
    "object-manager-port": "ray_object_manager",
    "dashboard-port": "ray",
    "dashboard-agent-listen-port": "ray_agent_http",
    "dashboard-agent-grpc-port": "ray_agent_grpc",
    "runtime-env-agent-port": "ray_runtime_env",
    "metrics-export-port": "ray_metrics",
    "min-worker-port": "ray_workers_first",
    "max-worker-port": "ray_workers_last",
}
Options = Mapping[str, str]


def main() -> int:
    """Run the head until it ends or is told to stop; return its exit code."""
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    runtime = Runtime.load()
    environment = {
        **runtime.environment(),
        **ENVIRONMENT,
        **ha_proxy.environment(options),
        "DASHBOARD_METRIC_PORT": options["ray_dashboard_metrics"],
    }
    os.environ.update(environment)
    _end_leftovers(runtime.data_dir)
    _await_ports(options)
    _prepare(Path(options["temp"]), runtime.data_dir / "logs" / "ray-session")
    head = subprocess.Popen(command(options), preexec_fn=_end_with_parent, stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: head.terminate())
    if not _await_dashboard(head, options) or not _start_serve(head, options):
        head.terminate()
    return head.wait()


def command(options: Options) -> list[str]:
    """Return ``ray start`` with every port fixed; no autoscaler."""
    flags = {flag: options[name] for flag, name in PORT_FLAGS.items()} | {
        "node-ip-address": HOST,
        "dashboard-host": HOST,
        "num-cpus": options["cpus"],
        "memory": str(int(options["memory_mb"]) * 2**20),
        "object-store-memory": str(int(options["object_store_mb"]) * 2**20),
        "temp-dir": options["temp"],
    }
    ray = str(Path(sys.executable).parent / "ray")
    switches = ["--head", "--block", "--no-monitor", "--disable-usage-stats"]
    return [ray, "start", *switches, *(f"--{flag}={value}" for flag, value in flags.items())]


def _end_leftovers(folder: Path) -> None:
    """Of a head that was killed: its workers are in no group of ours, and hold its ports."""
    processes.end(processes.of_folder(folder, os.environ.get(processes.SERVICE)), patience=2)


def _await_ports(options: Options) -> None:
    """An earlier head that was killed may take a moment to let its ports go."""
    end = time.monotonic() + FREED
    while not all(_free(int(options[name])) for name in PORT_FLAGS.values()):
        if time.monotonic() > end:
            sys.exit("the ports of Ray are taken; `groundplan preview` says by whom")
        time.sleep(0.25)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _prepare(temp: Path, logs: Path) -> None:
    """A short path, for sockets. The last session's logs stay; a link in the data folder leads to the current ones."""
    temp.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in sorted(temp.glob("session_2*"))[:-1]:
        shutil.rmtree(old, ignore_errors=True)
    logs.unlink(missing_ok=True)
    logs.symlink_to(temp / "session_latest" / "logs")


def _end_with_parent() -> None:
    """Tell the kernel to end the head when this launcher is killed: nobody else would."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _await_dashboard(head: subprocess.Popen[bytes], options: Options) -> bool:
    end = time.monotonic() + READY
    while head.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://{HOST}:{options['ray']}/api/version", timeout=2)
            return True
        except urllib.error.HTTPError:  # asks for its token: it answers
            return True
        except OSError:
            time.sleep(0.25)
    return False


def _start_serve(head: subprocess.Popen[bytes], options: Options) -> bool:
    """In a process of its own, which ends: what a driver loads is not kept. Without its head it would wait for ever."""
    words = [f"{name}={options[name]}" for name in ("ray_gcs", "serve")]
    starter = subprocess.Popen([sys.executable, "-m", "groundplan_runtime.ray_serve", *words], stdin=subprocess.DEVNULL)
    end = time.monotonic() + READY
    while starter.poll() is None and head.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    if starter.poll() is None:
        starter.kill()
    return starter.wait() == 0


if __name__ == "__main__":
    sys.exit(main())
