"""The file that groups measure on, and the lines that several of them have in common."""
import os

from samples import both, count, spread

MIB = 1 << 20


def written(run, path, size_mib=1024):
    """A file of which every block was allocated and written, and is on its disk."""
    size_mib = 64 if run.quick else size_mib
    noise = os.urandom(MIB)
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_mib * MIB)
        for _ in range(size_mib):
            file.write(noise)
        file.flush()
        os.fsync(file.fileno())
    run.note(f"fio --name=fill --filename={path} --size={size_mib}m --rw=write --bs=1m --end_fsync=1 # or anything that writes it")
    return path


def beside(samples, ours, theirs):
    """Five fields: both sides' requests per second, their ratio, and both sides' p50 and p99.9."""
    return [f"{count(samples.median(ours, 'iops'))} / {count(samples.median(theirs, 'iops'))}",
            spread(samples.ratio(ours, theirs, "iops")), both(samples, ours, theirs, "p50_us"),
            both(samples, ours, theirs, "p99.9_us"), both(samples, ours, theirs, "cpu_us_per_io")]


def beside_header(theirs):
    return [f"IOPS, Vireo / {theirs}", "ratio (lowest to highest)", "p50 us", "p99.9 us", "CPU us per I/O"]
