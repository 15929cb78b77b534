package io.vireo.actors.iothread;

import io.vireo.posix.uring.IoUring;
import io.vireo.posix.uring.Options;
import io.vireo.posix.uring.Probe;
import io.vireo.storage.file.AioChoice;
import io.vireo.storage.file.ThreadsEngine;
import io.vireo.storage.file.UringEngine;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
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
    private volatile AioChoice.Refusals refusals;
    private AioEngine threads;
    private UringEngine ringEngine;
    private Poller poller;

    /** @param uring false when io_uring is not to be used even if the host has it */
    Engines(IoThread ioThread, Executor blocking, boolean uring) {
        this.ioThread = ioThread;
        this.blocking = blocking;
        this.uring = uring;
    }

    Poller open(Poller.Listener listener) {
        AioChoice.Refusals refused = new AioChoice.Refusals().refuse(AioMode.NATIVE, "this version has no Linux AIO");
        String whyNoRing = uring ? whyNot(IoUring.probe()) : "it is switched off";
        if (whyNoRing.isEmpty()) {
            UringPoller ringPoller = new UringPoller(IoUring.open(Options.defaults()), listener);
            ringEngine = ringPoller.engine();
            poller = ringPoller;
        } else {
            LOG.warn("IOThread {} does without io_uring: {}", ioThread.name(), whyNoRing);
            refused.refuse(AioMode.IO_URING, whyNoRing);
            poller = new EpollPoller(listener);
        }
        threads = new ThreadsEngine(ioThread, blocking);
        refusals = refused;
        return poller;
    }

    private static String whyNot(Probe probe) {
        return probe.available() ? "" : probe.reason();
    }

    AioEngine engine(AioMode requested) {
        return kindOf(requested) == AioMode.IO_URING ? ringEngine : threads;
    }

    /** From any thread once {@link #open} has run. */
    AioMode kindOf(AioMode requested) {
        return AioChoice.of(requested, refusals).kind();
    }

    /** Hands on what engines prepared, takes in what they finished; answers how much there was. */
    int turn() {
        int work = threads.flush() + threads.poll();
        return ringEngine == null ? work : work + ringEngine.flush();
    }

    void close() {
        threads.close();
        poller.close();
    }
}
