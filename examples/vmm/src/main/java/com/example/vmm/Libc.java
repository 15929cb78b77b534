package com.example.vmm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** The system calls of this VMM, one method each. They answer what the call answers, or throw {@link LibcException}. */
final class Libc {
    private static final int O_RDONLY = 0;
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    private static final int O_CLOEXEC = 0x80000;
    private static final int OWNER_ONLY = 0600;
    private static final int SEEK_SET = 0;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int MFD_CLOEXEC = 1;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int SIG_BLOCK = 0;
    /** The JVM has no use for it. */
    private static final int SIGUSR1 = 10;

    private static final int SIGSET_BYTES = 128;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CALL_STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

    private static final MethodHandle OPEN = handle("open", 2, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE = handle("close", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle IOCTL =
            handle("ioctl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MEMFD_CREATE =
            handle("memfd_create", -1, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle FTRUNCATE =
            handle("ftruncate", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FSYNC = handle("fsync", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle LSEEK =
            handle("lseek", -1, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SENDFILE =
            handle("sendfile", -1, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle MMAP = handle("mmap", -1,
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = handle("munmap", -1, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle STRERROR = handle("strerror", -1, FunctionDescriptor.of(JAVA_LONG, JAVA_INT));
    private static final MethodHandle GETTID = handle("gettid", -1, FunctionDescriptor.of(JAVA_INT));
    private static final MethodHandle TGKILL =
            handle("tgkill", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle PTHREAD_SIGMASK =
            handle("pthread_sigmask", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle SIGTIMEDWAIT =
            handle("sigtimedwait", -1, FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle TCGETATTR =
            handle("tcgetattr", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle TCSETATTR =
            handle("tcsetattr", -1, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));

    private Libc() {}

    static int openReadWrite(String path) {
        return open(path, O_RDWR | O_CLOEXEC);
    }

    static int openToRead(String path) {
        return open(path, O_RDONLY | O_CLOEXEC);
    }

    /** A file that was not there, all of it a hole. */
    static int create(String path, long sizeBytes) {
        return sized(open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC), sizeBytes);
    }

    private static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) checked("open " + path,
                    call(s -> (int) OPEN.invokeExact(s, arena.allocateFrom(path), flags, OWNER_ONLY)));
        }
    }

    static void close(int fd) {
        checked("close", call(s -> (int) CLOSE.invokeExact(s, fd)));
    }

    static int ioctl(int fd, Ioctl request, long argument) {
        return (int) checked(request.name(), tryIoctl(fd, request, argument));
    }

    /** @param argument the struct, and after it what the request has behind it */
    static int ioctl(int fd, Ioctl request, MemorySegment argument) {
        return ioctl(fd, request, argument.asSlice(0, request.argumentBytes()).address());
    }

    /** Answers -errno where the others throw. */
    static int tryIoctl(int fd, Ioctl request, long argument) {
        return (int) call(s -> (int) IOCTL.invokeExact(s, fd, request.number(), argument));
    }

    /** Memory that is a file without a name, which others can map by its descriptor. */
    static int memfd(String name, long sizeBytes) {
        try (Arena arena = Arena.ofConfined()) {
            return sized((int) checked("memfd_create",
                    call(s -> (int) MEMFD_CREATE.invokeExact(s, arena.allocateFrom(name), MFD_CLOEXEC))), sizeBytes);
        }
    }

    private static int sized(int fd, long sizeBytes) {
        checked("ftruncate", call(s -> (int) FTRUNCATE.invokeExact(s, fd, sizeBytes)));
        return fd;
    }

    /** Where data begins, at this place of a file or behind it; negative when there is none. */
    static long nextData(int fd, long offset) {
        long at = call(s -> (long) LSEEK.invokeExact(s, fd, offset, SEEK_DATA));
        return at == -LibcException.ENXIO ? at : checked("lseek", at);
    }

    /** Where the data at this place ends. */
    static long nextHole(int fd, long offset) {
        return checked("lseek", call(s -> (long) LSEEK.invokeExact(s, fd, offset, SEEK_HOLE)));
    }

    static void seek(int fd, long offset) {
        checked("lseek", call(s -> (long) LSEEK.invokeExact(s, fd, offset, SEEK_SET)));
    }

    /** Copies bytes of one file to where the other one is; answers how many. */
    static long sendFile(int to, int from, long offset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment start = arena.allocateFrom(JAVA_LONG, offset);
            long sent = call(s -> (long) SENDFILE.invokeExact(s, to, from, start, bytes));
            return checked("sendfile", sent == 0 ? -LibcException.ENODATA : sent);
        }
    }

    static void sync(int fd) {
        checked("fsync", call(s -> (int) FSYNC.invokeExact(s, fd)));
    }

    /** Maps a file; closing the arena unmaps it. */
    static MemorySegment map(int fd, long sizeBytes, Arena arena) {
        long address = checked("mmap",
                call(s -> (long) MMAP.invokeExact(s, 0L, sizeBytes, PROT_READ_WRITE, MAP_SHARED, fd, 0L)));
        return MemorySegment.ofAddress(address).reinterpret(
                sizeBytes, arena, mapped -> call(s -> (int) MUNMAP.invokeExact(s, mapped, sizeBytes)));
    }

    static int threadId() {
        return (int) call(s -> (int) GETTID.invokeExact(s));
    }

    /** From here on the signal only waits for this thread: it interrupts nothing that does not ask for it. */
    static void blockInterrupts() {
        try (Arena arena = Arena.ofConfined()) {
            call(s -> (int) PTHREAD_SIGMASK.invokeExact(s, SIG_BLOCK, interruptSet(arena), MemorySegment.NULL));
        }
    }

    static void interrupt(int threadId) {
        int process = (int) ProcessHandle.current().pid();
        checked("tgkill", call(s -> (int) TGKILL.invokeExact(s, process, threadId, SIGUSR1)));
    }

    /** Takes a signal that waits, if there is one. */
    static void forgetInterrupt() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment now = arena.allocate(16);
            call(s -> (int) SIGTIMEDWAIT.invokeExact(s, interruptSet(arena), MemorySegment.NULL, now));
        }
    }

    /** struct termios of a terminal; false when the descriptor is none. */
    static boolean getTerminal(int fd, MemorySegment termios) {
        return call(s -> (int) TCGETATTR.invokeExact(s, fd, termios)) == 0;
    }

    static void setTerminal(int fd, MemorySegment termios) {
        checked("tcsetattr", call(s -> (int) TCSETATTR.invokeExact(s, fd, 0, termios)));
    }

    private static MemorySegment interruptSet(Arena arena) {
        MemorySegment set = arena.allocate(SIGSET_BYTES, 8);
        set.set(JAVA_LONG, 0, 1L << (SIGUSR1 - 1));
        return set;
    }

    private static MethodHandle handle(String name, int firstVariadic, FunctionDescriptor descriptor) {
        Linker.Option errno = Linker.Option.captureCallState("errno");
        Linker.Option[] options = firstVariadic < 0
                ? new Linker.Option[] {errno}
                : new Linker.Option[] {errno, Linker.Option.firstVariadicArg(firstVariadic)};
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, options);
    }

    /** What a call did: its result, or -errno for -1. */
    private interface Call {
        long make(MemorySegment state) throws Throwable;
    }

    private static long call(Call call) {
        MemorySegment state = CALL_STATE.get();
        try {
            long result = call.make(state);
            return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static long checked(String call, long result) {
        if (result < 0) throw new LibcException(call, (int) -result);
        return result;
    }

    /** What an errno means, in words. */
    static String describe(int errno) {
        long text = call(s -> (long) STRERROR.invokeExact(s, errno));
        return MemorySegment.ofAddress(text).reinterpret(Long.MAX_VALUE).getString(0);
    }
}
