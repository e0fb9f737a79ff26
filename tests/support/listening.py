"""What a tree of processes listens at. On the local target everything must be on loopback."""

import ipaddress
from collections.abc import Iterable

import psutil


def tree(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The processes and all that they started."""
    found: dict[int, psutil.Process] = {}
    for process in processes:
        try:
            found |= {p.pid: p for p in [process, *process.children(recursive=True)]}
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def listeners(processes: Iterable[psutil.Process]) -> list[tuple[str, int, str]]:
    """Address, port and program of every TCP or UDP socket that takes connections."""
    pids = {p.pid: p for p in tree(processes)}
    found = []
    for connection in psutil.net_connections("inet"):
        if connection.pid not in pids or not connection.laddr or connection.raddr:
            continue
        if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE):
            found.append((connection.laddr.ip, connection.laddr.port, _program(pids[connection.pid])))
    return found


def _program(process: psutil.Process) -> str:
    """Its name: short-lived ones end between being listed and being asked, and what they held still counts."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return f"pid {process.pid}, ended since"


def assert_loopback_only(processes: Iterable[psutil.Process]) -> int:
    """Fail with every listener that is reachable from elsewhere; return how many listen (never 0 by mistake)."""
    found = listeners(processes)
    beyond = [f"{program} at {ip}:{port}" for ip, port, program in found if not _is_loopback(ip)]
    assert not beyond, f"listens beyond loopback: {', '.join(beyond)}"
    assert found, "nothing listens at all"
    return len(found)


def _is_loopback(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
