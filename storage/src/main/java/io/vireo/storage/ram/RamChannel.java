package io.vireo.storage.ram;

import io.vireo.posix.Errno;
import io.vireo.posix.IoVec;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.storage.node.Admission;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;

/** Copies inside submit. Two requests on the same sectors at once may mix, as on any disk. */
final class RamChannel implements NodeChannel {
    private final Admission admission;
    private final Mapping memory;

    RamChannel(RamNode node, Mapping memory) {
        this.admission = new Admission(node);
        this.memory = memory;
    }

    @Override
    public void submit(IoRequest request) {
        int errno = admission.judge(request);
        request.complete(errno != 0 ? errno : perform(request));
    }

    /** 0, or EFAULT when the request's memory has gone (SIGBUS in C). */
    private int perform(IoRequest request) {
        long offset = request.nodeOffsetBytes();
        try {
            switch (request.operation()) {
                case READ -> read(memory.address() + offset, request.data());
                case WRITE -> write(request.data(), memory.address() + offset);
                case DISCARD, WRITE_ZEROES -> memory.zero(offset, request.lengthBytes());
                case FLUSH -> { }
            }
            Memory.raiseFaults();
            return 0;
        } catch (InternalError e) {
            return Errno.EFAULT;
        }
    }

    private static void read(long from, IoVec to) {
        long at = from;
        for (int i = 0; i < to.count(); i++) {
            Memory.copy(at, to.base(i), to.lengthBytes(i));
            at += to.lengthBytes(i);
        }
    }

    private static void write(IoVec from, long to) {
        long at = to;
        for (int i = 0; i < from.count(); i++) {
            Memory.copy(from.base(i), at, from.lengthBytes(i));
            at += from.lengthBytes(i);
        }
    }

    @Override
    public void close() {}
}
