package io.vireo.virtio.queue;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Random;

/**
 * A device in a process of its own that dies: takes chains and uses them in any order as fast as it can, and some time
 * sets an alarm for a few microseconds later, which ends it between any two of its stores. A chain's first 8 bytes are its
 * number, which go up by one from chain to chain; the device writes it into the last 8 bytes.
 */
@SuppressWarnings("restricted") // the alarm is not worth a place in posix
final class KilledDevice {
    /** What the device ends with when it is given chains in another order than they were sent in. */
    static final int OUT_OF_ORDER = 3;
    /** Of the signal that ends it. */
    static final int SIGALRM = 14;

    private static final int ITIMER_REAL = 0;
    private static final MethodHandle SETITIMER = Linker.nativeLinker().downcallHandle(
            Linker.nativeLinker().defaultLookup().findOrThrow("setitimer"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));

    private KilledDevice() {}

    /**
     * Memory file, its gpa, its size, file of the in-flight area, descriptor, driver and device gpa, size, features, seed,
     * batches until the alarm or 0 for none.
     */
    public static void main(String[] args) throws Throwable {
        long gpa = Long.parseLong(args[1]);
        long sizeBytes = Long.parseLong(args[2]);
        int size = Integer.parseInt(args[7]);
        long features = Long.parseLong(args[8]);
        long host = map(args[0], sizeBytes);
        GuestMemory memory =
                GuestMemory.of(List.of(new MemoryRegion(gpa, host, sizeBytes, host, SharedMapping.of(() -> {}))));
        VirtqueueAreas areas = new VirtqueueAreas(
                memory.translate(Long.parseLong(args[4]), 1), memory.translate(Long.parseLong(args[5]), 1),
                memory.translate(Long.parseLong(args[6]), 1));
        long inflight = map(args[3], RingFormat.of(features).inflightBytes(size));
        Virtqueue queue = Virtqueue.of(0, size, areas, RingFormat.of(features).newBase(), features, null,
                new InflightArea(inflight, size, SharedMapping.of(() -> {})));
        System.out.println(queue.resubmits());
        serve(queue, memory, new Random(Long.parseLong(args[9])), Integer.parseInt(args[10]));
    }

    private static long map(String path, long sizeBytes) {
        try (Fd file = PosixFile.open(path, PosixFile.O_RDWR, 0)) {
            return Mapping.shared(file, 0, sizeBytes, true).address();
        }
    }

    private static void serve(Virtqueue queue, GuestMemory memory, Random random, int batchesToLive) throws Throwable {
        Chain chain = new Chain(queue.size());
        int[] ids = new int[queue.size()];
        int held = 0;
        int batches = 0;
        long before = -1;
        while (true) {
            for (int take = random.nextInt(queue.size() + 1); take > 0 && queue.poll(memory, chain); take--) {
                long number = Memory.getLong(chain.address(0));
                if (number <= before) {
                    System.err.println(number + " after " + before);
                    System.exit(OUT_OF_ORDER);
                }
                before = number;
                Memory.putLong(chain.address(chain.count() - 1), number);
                ids[held++] = chain.id();
            }
            if (held > 1 && ++batches == batchesToLive) setAlarm(1 + random.nextInt(30));
            for (int use = random.nextInt(held + 1); use > 0; use--) {
                int at = random.nextInt(held);
                queue.pushUsed(ids[at], 8);
                ids[at] = ids[--held];
            }
            queue.publishUsed();
        }
    }

    private static void setAlarm(int micros) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timer = arena.allocate(32, 8); // struct itimerval: interval, then value
            timer.setAtIndex(JAVA_LONG, 3, micros);
            int ignored = (int) SETITIMER.invokeExact(ITIMER_REAL, timer, MemorySegment.NULL);
        }
    }
}
