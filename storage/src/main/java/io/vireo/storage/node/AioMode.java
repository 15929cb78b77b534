package io.vireo.storage.node;

/** How asynchronous file I/O is done; the words of QEMU's aio= option. */
public enum AioMode {
    AUTO("auto"),
    IO_URING("io_uring"),
    NATIVE("native"),
    THREADS("threads");

    private final String option;

    AioMode(String option) {
        this.option = option;
    }

    /** The word in the configuration, logs and metrics. */
    public String option() {
        return option;
    }

    @Override
    public String toString() {
        return option;
    }
}
