package io.vireo.storage.ram;

import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.storage.node.Admission;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.MemoryTransfer;
import io.vireo.storage.node.NodeChannel;

/** Copies between memory and memory. Two requests on the same sectors at once may mix, as on any disk. */
final class RamChannel implements NodeChannel {
    private final Admission admission;
    private final Mapping memory;
    private final MemoryTransfer transfer;
    private final MemoryTransfer.Move toBuffer;
    private final MemoryTransfer.Move fromBuffer;

    RamChannel(RamNode node, Mapping memory, IoContext context) {
        this.admission = new Admission(node);
        this.memory = memory;
        this.transfer = new MemoryTransfer(context);
        long start = memory.address();
        toBuffer = (offset, buffer, lengthBytes) -> Memory.copy(start + offset, buffer, lengthBytes);
        fromBuffer = (offset, buffer, lengthBytes) -> Memory.copy(buffer, start + offset, lengthBytes);
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
