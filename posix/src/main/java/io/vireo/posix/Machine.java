package io.vireo.posix;

import java.lang.invoke.MethodHandle;

/** What differs between the machines Linux runs on, as far as this module cares: x86-64 and aarch64. */
final class Machine {
    static final boolean AARCH64 = System.getProperty("os.arch").equals("aarch64");
    static final long PAGE_BYTES = pageBytes();

    private static final int SC_PAGESIZE = 30;

    private Machine() {}

    private static long pageBytes() {
        MethodHandle sysconf = Libc.link("sysconf", Libc.LONG, Libc.INT);
        try {
            return (long) sysconf.invokeExact(Libc.errnoSegment(), SC_PAGESIZE);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
