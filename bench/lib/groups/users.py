"""What other projects and users measure."""
import backends
from backends import Disk
from groups import files
from page import Outcome, Table
from plot import Plot
from samples import both, in_turns

ABOUT = "mixed, 8 KiB, 128 KiB and 1 MiB requests on a file past the page cache, as users measure them"
ROUNDS, SECONDS, NEEDS = 3, 1, ()
QUEUES = 16

LINES = (("mixed 4 KiB, 16 queues of depth 16", "--rw=randrw --bs=4k --numjobs=16 --iodepth=16"),
         ("random reads 8 KiB, depth 32", "--rw=randread --bs=8k --iodepth=32"),
         ("random writes 8 KiB, depth 32", "--rw=randwrite --bs=8k --iodepth=32"),
         ("reads in order 8 KiB, depth 16", "--rw=read --bs=8k --iodepth=16"),
         ("writes in order 8 KiB, depth 16", "--rw=write --bs=8k --iodepth=16"),
         ("reads in order 128 KiB, depth 16", "--rw=read --bs=128k --iodepth=16"),
         ("writes in order 128 KiB, depth 16", "--rw=write --bs=128k --iodepth=16"),
         ("reads in order 1 MiB, depth 4", "--rw=read --bs=1m --iodepth=4"),
         ("writes in order 1 MiB, depth 4", "--rw=write --bs=1m --iodepth=4"))


def measure(run):
    disk = Disk.file("vda", files.written(run, run.disk_path("disk.img")), direct=True, aio="io_uring", queues=QUEUES)
    ours, theirs = backends.warmed(run, backends.vireo(run, "vireo", [disk])), backends.qemu(run, "qemu", [disk])
    rows, bars = [], []
    for label, options in run.some(*LINES):
        samples = in_turns(run, {side: lambda at=backend.socket("vda"): run.bench([at], *options.split())
                                 for side, backend in (("Vireo", ours), ("QEMU", theirs))}, warm=("Vireo",))
        ratio = samples.ratio("Vireo", "QEMU", "iops")
        rows.append([label, *files.beside(samples, "Vireo", "QEMU"), both(samples, "Vireo", "QEMU", "mb_per_second")])
        bars.append((label, {"Vireo": ratio}))
    return Outcome([Table(["requests", *files.beside_header("qemu-storage-daemon"), "MB/s"], rows)],
                   Plot("Users' loads: requests per second beside qemu-storage-daemon", "times as many", bars, mark=(1, "as many")))
