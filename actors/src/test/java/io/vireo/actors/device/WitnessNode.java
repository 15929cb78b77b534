package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A node that remembers who came, and holds, fails or throws as it is told. */
final class WitnessNode implements BlockNode {
    static final long SIZE_BYTES = 1 << 20;

    enum Manner { COMPLETE, HOLD, FAIL, FAIL_HALF_WAY, THROW }

    final Set<Thread> submitters = ConcurrentHashMap.newKeySet();
    final ConcurrentLinkedQueue<IoRequest> held = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<Long> announced = new ConcurrentLinkedQueue<>();
    volatile Manner manner = Manner.COMPLETE;
    volatile int errno = Errno.EIO;
    volatile boolean channelClosed;
    private volatile IoContext context;
    private volatile ConcurrentLinkedQueue<String> asked;
    private volatile long failOffsetBytes = -1;
    private volatile int failErrno;

    /** Every request from now on, in words. */
    ConcurrentLinkedQueue<String> watch() {
        return asked = new ConcurrentLinkedQueue<>();
    }

    /** What is asked for at this offset fails; -1 for nothing. */
    void failAt(long offsetBytes, int errno) {
        failErrno = errno;
        failOffsetBytes = offsetBytes;
    }

    /** Lets the requests go that are held now, where a node's completions come: on the IOThread. */
    void completeHeld() {
        endHeld(0);
    }

    /** As {@link #completeHeld}, with an error. */
    void failHeld(int reason) {
        endHeld(reason);
    }

    private void endHeld(int result) {
        context.execute(() -> {
            for (int count = held.size(); count > 0; count--) held.poll().complete(result);
        });
    }

    @Override
    public NodeChannel open(IoContext opened) {
        context = opened;
        return new NodeChannel() {
            @Override
            public boolean wantsAnnouncements() {
                return true;
            }

            @Override
            public void announce(long offsetBytes) {
                announced.add(offsetBytes);
            }

            @Override
            public void submit(IoRequest request) {
                submitters.add(Thread.currentThread());
                if (asked != null) asked.add(request.toString());
                if (request.offsetBytes() == failOffsetBytes) {
                    request.complete(failErrno);
                    return;
                }
                switch (manner) {
                    case COMPLETE -> request.complete(0);
                    case HOLD -> held.add(request);
                    case FAIL -> request.complete(errno);
                    case FAIL_HALF_WAY -> {
                        request.data().advance(512);
                        request.complete(errno);
                    }
                    case THROW -> throw new IllegalStateException("injected");
                }
            }

            @Override
            public void close() {
                channelClosed = true;
            }
        };
    }

    @Override
    public String nodeName() {
        return "witness";
    }

    @Override
    public String driver() {
        return "witness";
    }

    @Override
    public long sizeBytes() {
        return SIZE_BYTES;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public NodeLimits limits() {
        return NodeLimits.SECTORS;
    }

    @Override
    public void close() {}
}
