package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandle;

/** Files in memory that have no name in any file system. */
public final class Memfd {
    /** For {@link #create(String, long, int)}: on huge pages of the default size. */
    public static final int MFD_HUGETLB = 4;
    /** With {@link #MFD_HUGETLB}: on huge pages of 2 MiB. */
    public static final int MFD_HUGE_2MB = 21 << 26;

    private static final MethodHandle MEMFD_CREATE = Libc.link("memfd_create", Libc.INT, Libc.LONG, Libc.INT);
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;

    private Memfd() {}

    /** A zeroed file of that size; the name is only seen in /proc. */
    public static Fd create(String name, long sizeBytes) {
        return create(name, sizeBytes, 0);
    }

    public static Fd create(String name, long sizeBytes, int hugeFlags) {
        Fd fd;
        try (Arena arena = Arena.ofConfined()) {
            long text = arena.allocateFrom(name).address();
            int number = (int) MEMFD_CREATE.invokeExact(
                    Libc.errnoSegment(), text, MFD_CLOEXEC | MFD_ALLOW_SEALING | hugeFlags);
            fd = Fd.owning(Libc.check("memfd_create", name, number));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
        try {
            PosixFile.truncate(fd, sizeBytes);
            return fd;
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }
}
