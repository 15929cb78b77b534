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
import io.vireo.storage.zone.ZoneLimits;

/**
 * A disk in the host's memory (ram), zeroes at first and gone when closed: scratch space of guests, and what the data
 * plane itself costs when data really moves. Memory is taken as it is written and given back by discards.
 */
public final class RamNode implements BlockNode {
    private static final RangeLimits ANY = RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES);

    private final String nodeName;
    private final boolean readOnly;
    private final Mapping memory;
    private final NodeLimits limits;

    /** @param sizeBytes a positive multiple of 512 */
    public RamNode(String nodeName, long sizeBytes, boolean readOnly) {
        this(nodeName, sizeBytes, readOnly, false);
    }

    /** @param secureErase whether it offers that: what is erased is gone, as it is with every discard */
    public RamNode(String nodeName, long sizeBytes, boolean readOnly, boolean secureErase) {
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
        limits = NodeLimits.SECTORS.withRanges(ANY, ANY, true)
                .withRare(new NodeLimits.Rare(secureErase ? ANY : RangeLimits.UNSUPPORTED, false, ZoneLimits.NONE));
    }

    /** Makes a range zeroes, past every channel. From any thread. */
    public void zero(long offsetBytes, long lengthBytes) {
        memory.zero(offsetBytes, lengthBytes);
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
        return limits;
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
