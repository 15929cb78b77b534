"""The data plane alone."""
import backends
from page import Outcome, Table
from plot import Plot
from samples import both, count, in_turns, spread

ABOUT = "random reads of a null drive: the data plane alone"
ROUNDS, SECONDS, NEEDS = 5, 2, ()

HEADER = ["front-end", "depth", "Vireo IOPS", "qemu-storage-daemon IOPS", "ratio (lowest to highest)", "p50 us", "p99.9 us",
          "p99.9 ratio", "calls per 1000 I/O", "CPU us per I/O", "CPU ratio"]


def measure(run):
    ours = backends.warmed(run, backends.vireo(run, "vireo", [backends.Disk.null("vda")]))
    theirs = backends.qemu(run, "qemu", [backends.Disk.null("vda")])
    rows, bars = [], []
    for mode, poll in (("waiting", ()), ("polling", ("--poll",))):
        for depth in run.some(32, 1, 128) if run.quick else (1, 32, 128):
            options = ("--rw=randread", f"--iodepth={depth}", *poll)
            samples = in_turns(run, {side: lambda at=backend.socket("vda"): run.bench([at], *options)
                                     for side, backend in (("Vireo", ours), ("QEMU", theirs))}, warm=("Vireo",))
            ratio = samples.ratio("Vireo", "QEMU", "iops")
            rows.append([mode, depth, count(samples.median("Vireo", "iops")), count(samples.median("QEMU", "iops")), spread(ratio),
                         both(samples, "Vireo", "QEMU", "p50_us"), both(samples, "Vireo", "QEMU", "p99.9_us"),
                         spread(samples.ratio("Vireo", "QEMU", "p99.9_us")), both(samples, "Vireo", "QEMU", "calls_per_1000_io"),
                         both(samples, "Vireo", "QEMU", "cpu_us_per_io"), spread(samples.ratio("Vireo", "QEMU", "cpu_us_per_io"))])
            bars.append((f"{mode}, depth {depth}", {"Vireo": ratio}))
    return Outcome([Table(HEADER, rows)], Plot("Null drive: requests per second beside qemu-storage-daemon", "times as many",
                                               bars, mark=(1, "as many")))
