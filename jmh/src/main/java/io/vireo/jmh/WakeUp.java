package io.vireo.jmh;

import io.vireo.posix.Affinity;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import io.vireo.posix.NativeBlock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What a driver that sleeps costs whoever serves it: the call on one processor, until the driver's thread runs on the
 * other and has said so in memory. Needs two processors.
 */
public class WakeUp extends Micro {
    private static final int DRIVERS_PROCESSOR = 0;
    private static final int DEVICES_PROCESSOR = 1;

    /** How long it is left alone first; the longer a processor is idle, the deeper it sleeps. */
    @Param({"10", "50"})
    public int idleMicros;

    private final EventFd call = EventFd.create();
    private final NativeBlock count = NativeBlock.allocate(8, 8);
    private final Epoll epoll = Epoll.create(1);
    private final AtomicLong awake = new AtomicLong();
    private final Thread driver = new Thread(this::sleepAndWake, "driver");
    private volatile boolean ended;

    @Setup
    public void begin() {
        epoll.add(call.fd(), Epoll.EPOLLIN, 0);
        driver.start();
        Affinity.pinCurrentThread(new int[] {DEVICES_PROCESSOR});
    }

    private void sleepAndWake() {
        Affinity.pinCurrentThread(new int[] {DRIVERS_PROCESSOR});
        while (!ended) {
            epoll.await(TimeUnit.SECONDS.toNanos(1));
            if (call.clear(count.address())) awake.setRelease(awake.getPlain() + 1);
        }
    }

    @Setup(Level.Invocation)
    public void letItSleep() {
        long from = System.nanoTime();
        while (System.nanoTime() - from < TimeUnit.MICROSECONDS.toNanos(idleMicros)) Thread.onSpinWait();
    }

    @Benchmark
    public long callUntilAwake() {
        long before = awake.getAcquire();
        call.signal();
        while (awake.getAcquire() == before) Thread.onSpinWait();
        return before;
    }

    @TearDown
    public void end() throws InterruptedException {
        ended = true;
        driver.join();
        epoll.close();
        call.close();
        count.close();
    }
}
