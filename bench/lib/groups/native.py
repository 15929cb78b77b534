"""Linux AIO on both sides."""
import backends
from backends import Disk
from groups import files
from page import Outcome, Table
from plot import Plot
from samples import in_turns

ABOUT = "the same file with Linux AIO (aio = native) on both sides"
ROUNDS, SECONDS, NEEDS = 3, 1, ()


def measure(run):
    disk = Disk.file("vda", files.written(run, run.disk_path("disk.img")), direct=True, aio="native")
    ours, theirs = backends.warmed(run, backends.vireo(run, "vireo", [disk])), backends.qemu(run, "qemu", [disk])
    rows, bars = [], []
    for access, depth in run.some(*((access, depth) for access in ("randread", "randwrite") for depth in (1, 8, 32, 128))):
        samples = in_turns(run, {side: lambda at=backend.socket("vda"): run.bench([at], f"--rw={access}", f"--iodepth={depth}")
                                 for side, backend in (("Vireo", ours), ("QEMU", theirs))}, warm=("Vireo",))
        rows.append([access, depth, *files.beside(samples, "Vireo", "QEMU")])
        bars.append((f"{access}, depth {depth}", {"Vireo": samples.ratio("Vireo", "QEMU", "iops")}))
    return Outcome([Table(["access", "depth", *files.beside_header("qemu-storage-daemon")], rows)],
                   Plot("Linux AIO: requests per second beside qemu-storage-daemon", "times as many", bars, mark=(1, "as many")))
