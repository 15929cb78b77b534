package io.vireo.storage.ram;

import io.vireo.posix.Errno;
import io.vireo.posix.Mapping;
import io.vireo.posix.PosixException;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;

/**
 * A disk in the host's memory (ram), zeroes at first and gone when closed: scratch space of guests, and what the data
 * plane itself costs when data really moves. Memory is taken as it is written and given back by discards.
 */
public final class RamNode implements BlockNode {
    private static final NodeLimits LIMITS = NodeLimits.SECTORS.withRanges(
            RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES), RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES), true);

    private final String nodeName;
    private final boolean readOnly;
    private final Mapping memory;

    /** @param sizeBytes a positive multiple of 512 */
    public RamNode(String nodeName, long sizeBytes, boolean readOnly) {
        if (sizeBytes <= 0 || sizeBytes % NodeLimits.SECTOR_BYTES != 0) {
            throw new IllegalArgumentException("sizeBytes=" + sizeBytes);
        }
        this.nodeName = nodeName;
        this.readOnly = readOnly;
        try {
            memory = Mapping.anonymous(sizeBytes);
        } catch (PosixException e) {
            throw new ImageException(ImageException.Kind.IO, nodeName, "the host does not give it " + sizeBytes
                    + " bytes of memory: " + Errno.describe(e.errno()), e);
        }
        memory.dontDump();
    }

    @Override
    public String nodeName() {
        return nodeName;
    }

    @Override
    public String driver() {
        return "ram";
    }

    @Override
    public long sizeBytes() {
        return memory.sizeBytes();
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public NodeLimits limits() {
        return LIMITS;
    }

    @Override
    public NodeChannel open(IoContext context) {
        return new RamChannel(this, memory, context);
    }

    @Override
    public void close() {
        memory.close();
    }
}
