package io.vireo.storage.file;

import io.vireo.posix.uring.CompletionHandler;
import io.vireo.posix.uring.IoUring;
import io.vireo.posix.uring.Options;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.TestLoop;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Equips a test's loop with the engines that files are served by. */
final class Engines {
    private static final int TAG = 0xA5;

    private Engines() {}

    static void equip(TestLoop loop, AioMode mode) {
        switch (mode) {
            case IO_URING -> uring(loop, Options.defaults(), result -> result);
            case NATIVE -> nativeAio(loop, 128);
            case THREADS -> threads(loop);
            case AUTO -> throw new IllegalArgumentException(mode.option());
        }
    }

    /** Changes results on their way from the ring to the engine. */
    interface Tamper {
        int result(int result);
    }

    static UringEngine uring(TestLoop loop, Options options, Tamper tamper) {
        IoUring ring = loop.own(IoUring.open(options));
        UringEngine engine = new UringEngine(ring, TAG);
        loop.add(engine);
        CompletionHandler handler = (userData, result, flags) -> {
            if (UringEngine.tagOf(userData) != TAG) throw new AssertionError("tag of " + userData);
            engine.completed(userData, tamper.result(result), flags);
        };
        loop.poll(() -> ring.submit() + ring.reap(handler));
        return engine;
    }

    static LinuxAioEngine nativeAio(TestLoop loop, int depth) {
        ExecutorService pool = loop.own(Executors.newFixedThreadPool(2));
        LinuxAioEngine engine = LinuxAioEngine.open(depth, loop, pool);
        loop.add(engine);
        return engine;
    }

    private static void threads(TestLoop loop) {
        ExecutorService pool = loop.own(Executors.newFixedThreadPool(4));
        loop.add(new ThreadsEngine(loop, pool));
    }
}
