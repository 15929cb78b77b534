package io.vireo.posix;

/**
 * Signals eventfds that somebody else has too, in a way that never waits. A write(2) does not wait as long as the open
 * file description is non-blocking, which the other side can change at any time, and then fill the count. But the kernel
 * counts up the eventfd of a completion that it tells of without ever waiting: so one operation of Linux AIO that is done
 * at once, a read of /dev/null, is submitted for each signal. It is one system call, as the write is.
 *
 * <p>Where the host gives no AIO context the write is used. Nothing allocates but {@link #open}. Thread: one.
 */
public final class EventSignaller implements AutoCloseable {
    private final NativeBlock block;
    private final long iocb;
    private final long pointer;
    /** Null: the write is used. */
    private final AioContext context;
    private final Fd nothing;

    private EventSignaller(AioContext context, Fd nothing) {
        this.context = context;
        this.nothing = nothing;
        block = NativeBlock.allocate(AioContext.IOCB_BYTES + 8, 64);
        iocb = block.address();
        pointer = iocb + AioContext.IOCB_BYTES;
        Memory.putLong(pointer, iocb);
        if (context != null) AioContext.putIocb(iocb, AioContext.IOCB_CMD_PREAD, nothing.number(), iocb, 0, 0, -1);
    }

    public static EventSignaller open() {
        AioContext context = null;
        try {
            context = AioContext.open(1);
            if (context.isRingReadable()) return new EventSignaller(context, PosixFile.open("/dev/null", PosixFile.O_RDONLY, 0));
        } catch (PosixException e) {
            // No context to be had, or no /dev/null.
        }
        if (context != null) context.close();
        return new EventSignaller(null, null);
    }

    /** Whether what the other side does to the eventfd cannot make {@link #signal} wait. */
    public boolean neverWaits() {
        return context != null;
    }

    /** Adds 1 to the count, unless that is at its maximum: then the other side is signalled already. */
    public void signal(EventFd event) {
        if (context == null) {
            event.signal();
            return;
        }
        event.beforeSignal();
        Memory.putInt(iocb + AioContext.AIO_RESFD, event.fd().number());
        long taken = context.submit(1, pointer);
        context.forget();
        // Out of memory, most likely. A call that is not made is a guest that waits for ever.
        if (taken != 1) event.signal();
    }

    @Override
    public void close() {
        if (context != null) context.close();
        if (nothing != null) nothing.close();
        block.close();
    }
}
