package io.vireo.jmh;

import io.vireo.posix.uring.CompletionHandler;
import io.vireo.posix.uring.IoUring;
import io.vireo.posix.uring.Options;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Operations that do nothing through io_uring: prepared, handed over in one system call a batch, reaped; per operation. */
public class RingSubmission extends Micro {
    private static final int OPERATIONS = 128;

    @Param({"1", "8", "32", "128"})
    public int batch;

    private IoUring ring;
    private int reaped;
    private final CompletionHandler handler = (_, _, _) -> reaped++;

    @Setup
    public void open() {
        ring = IoUring.open(Options.defaults()); // on the thread that submits
    }

    @TearDown
    public void close() {
        ring.close();
    }

    @Benchmark
    @OperationsPerInvocation(OPERATIONS)
    public int nop() {
        reaped = 0;
        for (int done = 0; done < OPERATIONS; done += batch) {
            for (int i = 0; i < batch; i++) ring.nop(i);
            ring.submit();
            while (reaped < done + batch) {
                ring.reap(handler);
                if (ring.taskWorkPending()) ring.flushTaskWork();
            }
        }
        return reaped;
    }
}
