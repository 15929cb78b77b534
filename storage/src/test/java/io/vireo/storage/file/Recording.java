package io.vireo.storage.file;

import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoContext;

import java.util.List;

/** A loop whose wake-ups are kept for the test to run. */
record Recording(IoContext inner, List<Runnable> wakeUps) implements IoContext {
    @Override
    public AioEngine engine(AioMode requested, boolean direct) {
        return inner.engine(requested, direct);
    }

    @Override
    public void at(long deadlineNanos, Runnable task) {
        inner.at(deadlineNanos, task);
    }

    @Override
    public long nowNanos() {
        return inner.nowNanos();
    }

    @Override
    public void execute(Runnable task) {
        wakeUps.add(task);
    }
}
