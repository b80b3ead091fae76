"""The processes of a service: their memory and their processor time."""

import psutil

MIB = 1024**2


def tree(roots: list[int]) -> list[psutil.Process]:
    """Return these processes and all below them, each once."""
    found: dict[int, psutil.Process] = {}
    for root in roots:
        try:
            process = psutil.Process(root)
            found |= {one.pid: one for one in [process, *process.children(recursive=True)]}
        except psutil.Error:
            continue
    return list(found.values())


def cpu_s(roots: list[int]) -> float:
    """Return the CPU seconds, user and system, that they and their children that ended have taken."""
    total = 0.0
    for process in tree(roots):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_mib(roots: list[int]) -> float:
    """Return their proportional set size in MiB: memory that several share counts once."""
    total = 0
    for process in tree(roots):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / MIB
