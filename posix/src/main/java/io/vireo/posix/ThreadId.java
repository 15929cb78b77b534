package io.vireo.posix;

import java.lang.invoke.MethodHandle;

/** The kernel's number of a thread, as {@code top -H} and /proc show it. */
public final class ThreadId {
    private static final MethodHandle GETTID = Libc.link("gettid", Libc.INT);

    private ThreadId() {}

    public static int current() {
        try {
            return (int) GETTID.invokeExact(Libc.errnoSegment());
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
