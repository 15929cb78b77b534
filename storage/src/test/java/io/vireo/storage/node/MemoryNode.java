package io.vireo.storage.node;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.storage.node.NodeLimits.RangeLimits;

import java.util.Arrays;

/** A node on an array, completing inside submit: what stands below the node that a test is about. */
public final class MemoryNode implements BlockNode {
    private final String nodeName;
    private final byte[] bytes;
    private final boolean readOnly;

    public MemoryNode(String nodeName, byte[] bytes, boolean readOnly) {
        this.nodeName = nodeName;
        this.bytes = bytes;
        this.readOnly = readOnly;
    }

    @Override
    public String nodeName() {
        return nodeName;
    }

    @Override
    public String driver() {
        return "memory";
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public NodeLimits limits() {
        return NodeLimits.SECTORS.withRanges(RangeLimits.alignedTo(512), RangeLimits.alignedTo(512), true);
    }

    @Override
    public NodeChannel open(IoContext context) {
        Admission admission = new Admission(this);
        return new NodeChannel() {
            @Override
            public void submit(IoRequest request) {
                int errno = admission.judge(request);
                if (errno == 0) perform(request);
                request.complete(errno);
            }

            @Override
            public void close() {}
        };
    }

    private void perform(IoRequest request) {
        int at = (int) request.nodeOffsetBytes();
        switch (request.operation()) {
            case READ, WRITE -> copy(request, at);
            case DISCARD, WRITE_ZEROES -> Arrays.fill(bytes, at, at + (int) request.lengthBytes(), (byte) 0);
            case FLUSH -> {}
        }
    }

    private void copy(IoRequest request, int from) {
        IoVec data = request.data();
        int at = from;
        for (int i = 0; i < data.count(); i++) {
            int length = (int) data.lengthBytes(i);
            if (request.operation() == Operation.READ) Memory.copy(bytes, at, data.base(i), length);
            else Memory.copy(data.base(i), bytes, at, length);
            at += length;
        }
    }

    @Override
    public void close() {}
}
