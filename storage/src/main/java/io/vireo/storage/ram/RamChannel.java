package io.vireo.storage.ram;

import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.storage.node.Admission;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.MemoryTransfer;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;

/** Copies between memory and memory. Two requests on the same sectors at once may mix, as on any disk. */
final class RamChannel implements NodeChannel {
    private static final int LINE_BYTES = 64;
    private static final int ANNOUNCED_BYTES = NodeLimits.SECTOR_BYTES;

    private final Admission admission;
    private final Mapping memory;
    private final MemoryTransfer transfer;
    private final MemoryTransfer.Move toBuffer;
    private final MemoryTransfer.Move fromBuffer;
    /** Of no use to anybody, but that no compiler leaves out the reads it comes from. */
    private long announced;

    RamChannel(RamNode node, Mapping memory, IoContext context) {
        this.admission = new Admission(node);
        this.memory = memory;
        this.transfer = new MemoryTransfer(context);
        long start = memory.address();
        toBuffer = (offset, buffer, lengthBytes) -> Memory.copy(start + offset, buffer, lengthBytes);
        fromBuffer = (offset, buffer, lengthBytes) -> Memory.copy(buffer, start + offset, lengthBytes);
    }

    @Override
    public boolean wantsAnnouncements() {
        return true;
    }

    /**
     * Reads a line of memory after the other, and waits for none. The processor goes on by itself from there: it knows
     * where a copy leads once that has come so far.
     */
    @Override
    public void announce(long offsetBytes) {
        if (offsetBytes < 0 || offsetBytes > memory.sizeBytes() - ANNOUNCED_BYTES) return;
        long at = memory.address() + offsetBytes;
        long sum = 0;
        for (int i = 0; i < ANNOUNCED_BYTES; i += LINE_BYTES) sum += Memory.getLong(at + i);
        announced = sum;
    }

    @Override
    public void submit(IoRequest request) {
        int errno = admission.judge(request);
        if (errno != 0) {
            request.complete(errno);
            return;
        }
        switch (request.operation()) {
            case READ -> transfer.run(request, toBuffer);
            case WRITE -> transfer.run(request, fromBuffer);
            case DISCARD, WRITE_ZEROES, SECURE_ERASE -> {
                memory.zero(request.nodeOffsetBytes(), request.lengthBytes());
                request.complete(0);
            }
            case FLUSH -> request.complete(0);
            default -> throw new AssertionError(request.toString());
        }
    }

    @Override
    public void close() {}
}
