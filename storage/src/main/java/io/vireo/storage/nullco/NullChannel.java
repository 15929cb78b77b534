package io.vireo.storage.nullco;

import io.vireo.posix.Memory;
import io.vireo.storage.node.Admission;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.MemoryTransfer;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.Operation;
import io.vireo.storage.node.RequestFifo;

/** Completes what it is given, at once or after the node's latency. */
final class NullChannel implements NodeChannel {
    private static final MemoryTransfer.Move ZEROES = (_, buffer, lengthBytes) -> Memory.zero(buffer, lengthBytes);

    private final Admission admission;
    private final MemoryTransfer transfer;
    private final IoContext context;
    private final boolean readZeroes;
    private final long latencyNanos;
    private final long lifetime;
    /** In the order of their deadlines, since all wait equally long. */
    private final RequestFifo waiting = new RequestFifo();
    private final Runnable completeDue = this::completeDue;
    private boolean timerIsSet;

    NullChannel(NullNode node, NullNode.Options options, IoContext context) {
        this.admission = new Admission(node);
        this.context = context;
        this.transfer = new MemoryTransfer(context);
        this.readZeroes = options.readZeroes();
        this.latencyNanos = options.latencyNanos();
        this.lifetime = options.lifetime() == null ? 0 : options.lifetime().packed();
    }

    @Override
    public void submit(IoRequest request) {
        int errno = admission.judge(request);
        if (lifetime != 0 && request.operation() == Operation.LIFETIME) request.answer(lifetime);
        if (errno != 0 || latencyNanos == 0) {
            finish(request, errno);
            return;
        }
        request.dueNanos(context.nowNanos() + latencyNanos);
        waiting.add(request);
        if (!timerIsSet) setTimer();
    }

    private void setTimer() {
        timerIsSet = true;
        context.at(waiting.peek().dueNanos(), completeDue);
    }

    /** One timer for all: set for the oldest request, and again for the next oldest when that one is done. */
    private void completeDue() {
        long now = context.nowNanos();
        // timerIsSet stays true meanwhile: a submit from inside a completion leaves the timer to the end of this.
        while (!waiting.isEmpty() && waiting.peek().dueNanos() - now <= 0) finish(waiting.poll(), 0);
        timerIsSet = false;
        if (!waiting.isEmpty()) setTimer();
    }

    private void finish(IoRequest request, int errno) {
        boolean zeroes = errno == 0 && readZeroes && request.operation() == Operation.READ;
        if (zeroes) transfer.run(request, ZEROES);
        else request.complete(errno);
    }

    @Override
    public void close() {
        if (!waiting.isEmpty()) throw new IllegalStateException("requests are in flight");
    }
}
