package io.vireo.actors.iothread;

import io.vireo.posix.EventFd;
import io.vireo.posix.LinuxAio;
import io.vireo.posix.PosixException;
import io.vireo.posix.uring.IoUring;
import io.vireo.posix.uring.Probe;
import io.vireo.storage.file.AioChoice;
import io.vireo.storage.node.AioMode;

/** What this host offers for asynchronous file I/O; asked by IOThreads, and by who wants to know without one. */
public final class HostAio {
    /** Requests in the kernel at a time; more wait. */
    static final int LINUX_AIO_DEPTH = 1024;

    private HostAio() {}

    /** Why there is no io_uring; empty when there is. */
    static String whyNoRing(boolean uring) {
        if (!uring) return "it is switched off";
        Probe probe = IoUring.probe();
        return probe.available() ? "" : probe.reason();
    }

    /**
     * What an IOThread that starts now would use. Takes rings and contexts for a moment, and gives them back.
     *
     * @param direct whether the file is open with O_DIRECT
     * @param uring false when io_uring is not to be used even if the host has it
     */
    public static AioChoice choose(AioMode requested, boolean direct, boolean uring) {
        AioChoice.Refusals refusals = new AioChoice.Refusals();
        String whyNoRing = whyNoRing(uring);
        if (!whyNoRing.isEmpty()) refusals.refuse(AioMode.IO_URING, whyNoRing);
        AioChoice choice = AioChoice.of(requested, refusals).forFile(direct);
        if (choice.kind() != AioMode.NATIVE) return choice;
        try (EventFd completions = EventFd.create(); LinuxAio _ = LinuxAio.open(LINUX_AIO_DEPTH, completions)) {
            return choice;
        } catch (PosixException e) {
            return AioChoice.of(requested, refusals.refuse(AioMode.NATIVE, e.getMessage()));
        }
    }
}
