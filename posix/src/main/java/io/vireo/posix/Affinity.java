package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.stream.IntStream;

/** On which processors the calling thread may run. A thread inherits this from the one that started it. */
public final class Affinity {
    private static final MethodHandle SET =
            Libc.link("sched_setaffinity", Libc.INT, Libc.INT, Libc.LONG, Libc.LONG);
    private static final MethodHandle GET =
            Libc.link("sched_getaffinity", Libc.INT, Libc.INT, Libc.LONG, Libc.LONG);
    /** Wider than any kernel's own mask, which sched_getaffinity demands. */
    private static final int MASK_BYTES = 1024;
    private static final int CPUS_MAX = MASK_BYTES * 8;

    private Affinity() {}

    /**
     * Only for the thread itself: threads started by it afterwards inherit the mask.
     *
     * @throws PosixException EINVAL: none of the processors exists or is allowed to this process
     */
    public static void pinCurrentThread(int[] cpus) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            for (int cpu : cpus) {
                if (cpu < 0 || cpu >= CPUS_MAX) throw new IllegalArgumentException("cpu=" + cpu);
                int bits = mask.get(ValueLayout.JAVA_BYTE, cpu >> 3) | 1 << (cpu & 7);
                mask.set(ValueLayout.JAVA_BYTE, cpu >> 3, (byte) bits);
            }
            Libc.check("sched_setaffinity", Arrays.toString(cpus),
                    (int) SET.invokeExact(Libc.errnoSegment(), 0, (long) MASK_BYTES, mask.address()));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /** The calling thread's processors, ascending. */
    public static int[] allowed() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(MASK_BYTES, 8);
            Libc.check("sched_getaffinity", "",
                    (int) GET.invokeExact(Libc.errnoSegment(), 0, (long) MASK_BYTES, mask.address()));
            return IntStream.range(0, CPUS_MAX)
                    .filter(cpu -> (mask.get(ValueLayout.JAVA_BYTE, cpu >> 3) >> (cpu & 7) & 1) != 0)
                    .toArray();
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
