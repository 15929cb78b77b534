"""Several queues, several IOThreads."""
import backends
from backends import Disk
from page import Outcome, Table
from plot import Plot
from samples import count, figure, in_turns, spread

ABOUT = "queues spread over two IOThreads on two processors (iothread-vq-mapping)"
ROUNDS, SECONDS, NEEDS = 3, 2, ()
SIZE_BYTES = 128 << 20
MAPPING = "iothread-vq-mapping = [ { iothread = io0, vqs = [0] }, { iothread = io1, vqs = [1] } ]"


def measure(run):
    """
    A drive in memory and large requests: copying is the back-ends' work, and one IOThread's limit. With two processors
    the second IOThread shares the front-end's; with a third (--cpus A,B,C) it has its own.
    """
    second = run.second or run.front
    iothreads = f"iothreads {{ io0 {{ cpus = [{run.back}] }}, io1 {{ cpus = [{second}] }} }}"
    processors = ",".join(sorted({run.back, second}))
    disk = Disk("vda", driver="ram", size=SIZE_BYTES, queues=2)
    one = backends.vireo(run, "one", [disk], iothreads, "iothread = io0", cpu=processors)
    two = backends.vireo(run, "two", [disk], iothreads, MAPPING, cpu=processors)
    rows, bars = [], []
    for block, depth in run.some(("128k", 16), ("16k", 32), ("4k", 64)):
        drive = lambda backend, queues: run.bench([backend.socket("vda")], "--rw=randread", f"--bs={block}",
                                                  f"--numjobs={queues}", f"--iodepth={depth // queues}", cpu=run.front)
        samples = in_turns(run, {"one queue": lambda: drive(one, 1), "two queues, one IOThread": lambda: drive(one, 2),
                                 "two queues, two IOThreads": lambda: drive(two, 2)},
                           warm=("two queues, one IOThread", "two queues, two IOThreads"))
        for side in ("one queue", "two queues, one IOThread", "two queues, two IOThreads"):
            rows.append([block, depth, side, count(samples.median(side, "iops")), figure(samples.median(side, "mb_per_second")),
                         spread(samples.ratio(side, "one queue", "iops")), figure(samples.median(side, "cpu_us_per_io"))])
        bars.append((f"{block}, depth {depth}", {side: samples.ratio(side, "one queue", "iops")
                                                 for side in ("two queues, one IOThread", "two queues, two IOThreads")}))
    header = ["requests", "depth in all", "queues", "IOPS", "MB/s", "to one queue", "CPU us per I/O"]
    return Outcome([Table(header, rows)], Plot("A drive in memory: queues and IOThreads to one queue", "times as many", bars,
                                               mark=(1, "one queue")))
