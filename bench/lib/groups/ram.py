"""Memory to memory."""
import backends
from backends import Disk
from page import Outcome, Table
from plot import Plot
from samples import count, figure, in_turns

ABOUT = "random reads of a drive in memory; beside SPDK's malloc bdev where SPDK is installed"
ROUNDS, SECONDS, NEEDS = 5, 2, ()
SIZE_BYTES = 512 << 20


def measure(run):
    sides = {"Vireo": backends.vireo(run, "vireo", [Disk("vda", driver="ram", size=SIZE_BYTES)])}
    rows, bars = [], []
    lines = [(access, depth) for access in ("randread", "randwrite") for depth in (32, 128)]
    found = {}
    if backends.spdk_binary():
        sides["SPDK"] = backends.spdk(run, "spdk", "vda", SIZE_BYTES)
    for backend in sides.values():  # memory that was never written is not there yet: the first touch of a page would be measured
        run.bench([backend.socket("vda")], "--rw=write", "--bs=1m", "--iodepth=4")
    for access, depth in run.some(*lines):
        samples = in_turns(run, {side: lambda at=backend.socket("vda"): run.bench([at], f"--rw={access}", f"--iodepth={depth}")
                                 for side, backend in sides.items()}, warm=("Vireo",))
        found[access, depth] = samples
        for side in sides:
            rows.append([access, depth, side, count(samples.median(side, "iops")), figure(samples.median(side, "mb_per_second")),
                         figure(samples.median(side, "p50_us")), figure(samples.median(side, "p99.9_us")),
                         figure(samples.median(side, "cpu_us_per_io"))])
        bars.append((f"{access}, depth {depth}", {side: samples.spread(side, "iops") for side in sides}))
    header = ["access", "depth", "back-end", "IOPS", "MB/s", "p50 us", "p99.9 us", "CPU us per I/O"]
    return Outcome([Table(header, rows)], Plot("A drive in memory, 4 KiB, waiting front-end", "requests per second", bars))
