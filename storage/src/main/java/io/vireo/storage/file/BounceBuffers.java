package io.vireo.storage.file;

import io.vireo.posix.IoVec;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.RequestFifo;

/**
 * Carries requests whose buffers O_DIRECT would refuse through aligned memory, a piece at a time. Bounded: so many
 * buffers, made when first needed; further requests wait their turn. One channel's, on its IOThread.
 */
final class BounceBuffers implements AutoCloseable {
    static final int BUFFER_BYTES = 256 * 1024;
    static final int BUFFER_COUNT = 8;

    private final AioEngine engine;
    private final int fd;
    private final Bounce[] made = new Bounce[BUFFER_COUNT];
    private int madeCount;
    private Bounce free;
    private final RequestFifo waiting = new RequestFifo();
    private boolean starting;

    BounceBuffers(AioEngine engine, int fd) {
        this.engine = engine;
        this.fd = fd;
    }

    /** Whether every buffer starts and ends on a multiple of {@code mask + 1} and one call can carry them all. */
    static boolean isAligned(IoVec data, long mask) {
        int count = data.count();
        if (count > FileIo.IOV_COUNT_MAX) return false; // a call cut there would end off a block
        long bits = 0;
        for (int i = 0; i < count; i++) bits |= data.base(i) | data.lengthBytes(i);
        return (bits & mask) == 0;
    }

    void submit(IoRequest request) {
        waiting.add(request);
        startWaiting();
    }

    /**
     * A loop and not a recursion: a request whose memory has gone fails inside begin, gives its buffer back, and comes
     * here again; a guest could make that happen to all it has in flight.
     */
    private void startWaiting() {
        if (starting) return;
        starting = true;
        while (!waiting.isEmpty()) {
            Bounce bounce = takeFree();
            if (bounce == null) break;
            bounce.begin(waiting.poll());
        }
        starting = false;
    }

    private Bounce takeFree() {
        Bounce bounce = free;
        if (bounce != null) {
            free = bounce.next;
            return bounce;
        }
        if (madeCount == BUFFER_COUNT) return null;
        bounce = new Bounce(this);
        made[madeCount++] = bounce;
        return bounce;
    }

    void move(IoRequest piece) {
        engine.submit(fd, piece);
    }

    /** The bounce is done with its request. */
    void giveBack(Bounce bounce) {
        bounce.next = free;
        free = bounce;
        startWaiting();
    }

    @Override
    public void close() {
        for (int i = 0; i < madeCount; i++) made[i].close();
        madeCount = 0;
        free = null;
    }
}
