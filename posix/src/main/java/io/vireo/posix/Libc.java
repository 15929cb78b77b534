package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Links libc functions and carries their errno. A linked handle takes the calling thread's errno segment first, then
 * the C arguments, and answers what C answers; classes beside this one give each call its types and its name.
 */
public final class Libc {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    static {
        NativeAccess.require();
    }

    private static final Linker LINKER = Linker.nativeLinker();
    private static final ThreadLocal<MemorySegment> ERRNO =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));
    static final long ERRNO_OFFSET =
            Linker.Option.captureStateLayout().byteOffset(MemoryLayout.PathElement.groupElement("errno"));

    private Libc() {}

    /** A handle of type (MemorySegment errno, arguments...) -> result. Pointers are passed as longs. */
    static MethodHandle link(String name, ValueLayout result, ValueLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments));
    }

    /** As {@link #link}, for a variadic function whose first {@code fixed} arguments are named in C. */
    static MethodHandle linkVariadic(String name, int fixed, ValueLayout result, ValueLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), Linker.Option.firstVariadicArg(fixed));
    }

    static MethodHandle link(String name, FunctionDescriptor type, Linker.Option... more) {
        Linker.Option[] options = new Linker.Option[more.length + 1];
        options[0] = Linker.Option.captureCallState("errno");
        System.arraycopy(more, 0, options, 1, more.length);
        MemorySegment symbol = LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new IllegalStateException("libc has no " + name));
        return LINKER.downcallHandle(symbol, type, options);
    }

    /** The calling thread's errno segment, to be given to a linked handle. */
    static MemorySegment errnoSegment() {
        return ERRNO.get();
    }

    /** errno of the calling thread's last linked call. */
    static int errno() {
        return ERRNO.get().get(INT, ERRNO_OFFSET);
    }

    /** Answers a result that is not negative, throws on one that is. */
    static int check(String call, String about, int result) {
        if (result < 0) throw new PosixException(call, about, errno());
        return result;
    }

    static long check(String call, String about, long result) {
        if (result < 0) throw new PosixException(call, about, errno());
        return result;
    }

    /**
     * For the {@code Throwable} that {@code invokeExact} declares. C functions throw nothing, so what arrives is either
     * an exception of the Java code beside the call, which passes, or our mistake.
     */
    static AssertionError bug(Throwable thrown) {
        if (thrown instanceof RuntimeException exception) throw exception;
        if (thrown instanceof Error error) throw error;
        return new AssertionError(thrown);
    }
}
