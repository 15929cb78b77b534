package io.vireo.storage.raw;

import io.vireo.storage.node.Admission;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.Operation;

/** Keeps requests within the window, then moves them to where the window lies on the child. */
final class WindowChannel implements NodeChannel {
    private final RawNode node;
    private Admission admission;
    private final long offsetBytes;
    private final NodeChannel below;

    WindowChannel(RawNode node, long offsetBytes, NodeChannel below) {
        this.node = node;
        this.admission = new Admission(node);
        this.offsetBytes = offsetBytes;
        this.below = below;
    }

    @Override
    public boolean wantsAnnouncements() {
        return below.wantsAnnouncements();
    }

    @Override
    public void announce(long offset) {
        below.announce(offset + offsetBytes);
    }

    @Override
    public void submit(IoRequest request) {
        int errno = admission.judge(request);
        if (errno != 0) {
            request.complete(errno);
            return;
        }
        if (request.operation() != Operation.FLUSH) request.shift(offsetBytes);
        below.submit(request);
    }

    @Override
    public void resized() {
        below.resized();
        admission = new Admission(node);
    }

    @Override
    public void close() {
        below.close();
    }
}
