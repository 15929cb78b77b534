package io.vireo.storage.file;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What one channel read, by what answered. Thread: the channel's IOThread adds, with no locked instruction since nobody else
 * does; any thread reads.
 */
final class ReadBytes {
    private static final VarHandle CACHE;
    private static final VarHandle ENGINE;

    static {
        try {
            var lookup = MethodHandles.lookup();
            CACHE = lookup.findVarHandle(ReadBytes.class, "cache", long.class);
            ENGINE = lookup.findVarHandle(ReadBytes.class, "engine", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private long cache;
    private long engine;

    void addCache(long bytes) {
        CACHE.setRelease(this, cache + bytes);
    }

    void addEngine(long bytes) {
        ENGINE.setRelease(this, engine + bytes);
    }

    /** Answered by the page cache at once. */
    long cache() {
        return (long) CACHE.getAcquire(this);
    }

    /** Handed to an engine. */
    long engine() {
        return (long) ENGINE.getAcquire(this);
    }

    /** Takes over what a channel that is closed has counted. Adder only. */
    void add(ReadBytes closed) {
        addCache(closed.cache());
        addEngine(closed.engine());
    }
}
