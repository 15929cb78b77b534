"""A file past the page cache, and what the kernel gives without a virtqueue in front."""
import backends
from backends import Disk
from groups import files
from page import Outcome, Table
from plot import Plot
from samples import count, in_turns, spread

ABOUT = "4 KiB on a file past the page cache, io_uring; with fio's io_uring and libaio in between"
ROUNDS, SECONDS, NEEDS = 3, 1, ("fio",)


def measure(run):
    path = files.written(run, run.disk_path("disk.img"))
    disk = Disk.file("vda", path, direct=True, aio="io_uring")
    ours, theirs = backends.warmed(run, backends.vireo(run, "vireo", [disk])), backends.qemu(run, "qemu", [disk])
    rows, bars = [], []
    lines = [(access, depth, False) for access in ("randread", "randwrite") for depth in (1, 8, 32, 128)]
    lines += [("randread", 1, True), ("randwrite", 1, True)]
    for access, depth, poll in run.some(*lines):
        options = [f"--rw={access}", f"--iodepth={depth}", *(["--poll"] if poll else [])]
        fio = lambda engine: run.fio(path, engine, "--direct=1", f"--rw={access}", "--bs=4k", f"--iodepth={depth}")
        sides = {"Vireo": lambda: run.bench([ours.socket("vda")], *options),
                 "qemu-storage-daemon": lambda: run.bench([theirs.socket("vda")], *options)}
        if not poll:
            sides |= {"fio io_uring": lambda: fio("io_uring"), "fio libaio": lambda: fio("libaio")}
        samples = in_turns(run, sides)
        rows.append([access, "polling" if poll else "waiting", depth, *files.beside(samples, "Vireo", "qemu-storage-daemon"),
                     *((count(samples.median(side, "iops")) for side in ("fio io_uring", "fio libaio")) if not poll else ("", "")),
                     spread(samples.ratio("Vireo", "fio io_uring", "iops")) if not poll else ""])
        bars.append((f"{access}, depth {depth}{', polling' if poll else ''}",
                     {side: samples.ratio("Vireo", side, "iops") for side in sides if side != "Vireo"}))
    header = ["access", "front-end", "depth", *files.beside_header("qemu-storage-daemon"), "fio io_uring IOPS", "fio libaio IOPS",
              "Vireo to fio io_uring"]
    return Outcome([Table(header, rows)], Plot("Direct I/O: Vireo's requests per second beside others'", "times as many", bars,
                                               mark=(1, "as many")))
