package io.vireo.storage.raw;

import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;

/** A window of {@code sizeBytes} from {@code offsetBytes} on another node, which it owns. */
public final class RawNode implements BlockNode {
    private final String nodeName;
    private final BlockNode child;
    private final long offsetBytes;
    private final long sizeBytes;

    private RawNode(String nodeName, BlockNode child, long offsetBytes, long sizeBytes) {
        this.nodeName = nodeName;
        this.child = child;
        this.offsetBytes = offsetBytes;
        this.sizeBytes = sizeBytes;
    }

    /** All of the child. */
    public static RawNode over(String nodeName, BlockNode child) {
        return new RawNode(nodeName, child, 0, child.sizeBytes());
    }

    /**
     * A window on the child; takes the child over only when it does not throw.
     *
     * @param offsetBytes a multiple of the child's request alignment
     * @param sizeBytes a positive multiple of 512, or -1 for all that follows
     * @throws ImageException when the window is not within the child
     */
    public static RawNode window(String nodeName, BlockNode child, long offsetBytes, long sizeBytes) {
        int alignment = child.limits().requestAlignmentBytes();
        if (offsetBytes < 0 || offsetBytes % alignment != 0) {
            throw outside(child, "offset = " + offsetBytes + " is not a multiple of " + alignment);
        }
        if (offsetBytes >= child.sizeBytes()) {
            throw outside(child, "offset = " + offsetBytes + " is past the end, size is " + child.sizeBytes());
        }
        long rest = child.sizeBytes() - offsetBytes;
        boolean isWhole = offsetBytes == 0 && (sizeBytes == -1 || sizeBytes == rest);
        if (child.limits().rare().zones().areThere() && !isWhole) {
            throw outside(child, "is a zoned disk: a window on it is all of it");
        }
        if (sizeBytes == -1) return new RawNode(nodeName, child, offsetBytes, rest);
        if (sizeBytes <= 0 || sizeBytes % NodeLimits.SECTOR_BYTES != 0) {
            throw outside(child, "size = " + sizeBytes + " is not a positive multiple of 512");
        }
        if (sizeBytes > rest) {
            String window = "size = " + sizeBytes + " from offset = " + offsetBytes;
            throw outside(child, window + " ends past the end, size is " + child.sizeBytes());
        }
        return new RawNode(nodeName, child, offsetBytes, sizeBytes);
    }

    private static ImageException outside(BlockNode child, String what) {
        return new ImageException(ImageException.Kind.OUT_OF_RANGE, child.nodeName(), what);
    }

    @Override
    public String nodeName() {
        return nodeName;
    }

    @Override
    public String driver() {
        return "raw";
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return child.readOnly();
    }

    @Override
    public NodeLimits limits() {
        return child.limits();
    }

    /** The node below, for those who show the graph. */
    public BlockNode child() {
        return child;
    }

    @Override
    public NodeChannel open(IoContext context) {
        NodeChannel below = child.open(context);
        // A window that is the whole child decides nothing: no hop for it on the hot path.
        return sizeBytes == child.sizeBytes() ? below : new WindowChannel(this, offsetBytes, below);
    }

    @Override
    public void activate() {
        child.activate();
    }

    @Override
    public void inactivate() {
        child.inactivate();
    }

    @Override
    public void close() {
        child.close();
    }
}
