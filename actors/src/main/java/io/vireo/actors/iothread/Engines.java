package io.vireo.actors.iothread;

import io.vireo.posix.PosixException;
import io.vireo.posix.uring.IoUring;
import io.vireo.posix.uring.Options;
import io.vireo.storage.file.AioChoice;
import io.vireo.storage.file.LinuxAioEngine;
import io.vireo.storage.file.ThreadsEngine;
import io.vireo.storage.file.UringEngine;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engines of one IOThread and the poller that fits them: with io_uring the ring is both; without it the thread waits
 * in epoll. Thread: the IOThread, except {@link #kindOf}.
 */
final class Engines {
    private static final Logger LOG = LoggerFactory.getLogger(Engines.class);

    private final IoThread ioThread;
    private final Executor blocking;
    private final boolean uring;
    private final Set<AioChoice> told = new HashSet<>();
    private volatile AioChoice.Refusals refusals;
    private AioEngine threads;
    private LinuxAioEngine linuxAio;
    private UringEngine ringEngine;
    private Poller poller;

    /** @param uring false when io_uring is not to be used even if the host has it */
    Engines(IoThread ioThread, Executor blocking, boolean uring) {
        this.ioThread = ioThread;
        this.blocking = blocking;
        this.uring = uring;
    }

    Poller open(Poller.Listener listener) {
        AioChoice.Refusals refused = new AioChoice.Refusals();
        String whyNoRing = HostAio.whyNoRing(uring);
        if (whyNoRing.isEmpty()) {
            UringPoller ringPoller = new UringPoller(IoUring.open(Options.defaults()), listener);
            ringEngine = ringPoller.engine();
            poller = ringPoller;
        } else {
            LOG.info("IOThread {} does without io_uring: {}", ioThread.name(), whyNoRing);
            refused.refuse(AioMode.IO_URING, whyNoRing);
            poller = new EpollPoller(listener);
        }
        threads = new ThreadsEngine(ioThread, blocking);
        refusals = refused;
        return poller;
    }

    AioEngine engine(AioMode requested, boolean direct) {
        AioChoice choice = AioChoice.of(requested, refusals).forFile(direct);
        if (choice.kind() == AioMode.NATIVE && linuxAio == null && !openLinuxAio()) return engine(requested, direct);
        // Once, and not for each driver that comes.
        if (!choice.reason().isEmpty() && told.add(choice)) {
            LOG.warn("IOThread {} uses aio = {}: {}", ioThread.name(), choice.kind(), choice.reason());
        }
        return switch (choice.kind()) {
            case IO_URING -> ringEngine;
            case NATIVE -> linuxAio;
            case THREADS -> threads;
            case AUTO -> throw new IllegalStateException("chose AUTO");
        };
    }

    /** Only when it is asked for: the kernel has few contexts for the whole host. */
    private boolean openLinuxAio() {
        try {
            linuxAio = LinuxAioEngine.open(HostAio.LINUX_AIO_DEPTH, ioThread, blocking);
        } catch (PosixException e) {
            refusals = refusals.refuse(AioMode.NATIVE, e.getMessage());
            return false;
        }
        // The turn that this wakes polls the engine.
        ioThread.watch(linuxAio.completions().fd(), () -> {});
        return true;
    }

    /** From any thread once {@link #open} has run. */
    AioMode kindOf(AioMode requested) {
        return AioChoice.of(requested, refusals).kind();
    }

    /** Hands on what engines prepared, takes in what they finished; answers how much there was. */
    int turn() {
        int work = threads.flush() + threads.poll();
        if (linuxAio != null) work += linuxAio.flush() + linuxAio.poll();
        return ringEngine == null ? work : work + ringEngine.flush();
    }

    /** Requests that the kernel or a worker has. */
    int inFlight() {
        int inFlight = threads.inFlight();
        if (linuxAio != null) inFlight += linuxAio.inFlight();
        return ringEngine == null ? inFlight : inFlight + ringEngine.inFlight();
    }

    void close() {
        threads.close();
        if (linuxAio != null) linuxAio.close();
        poller.close();
    }
}
