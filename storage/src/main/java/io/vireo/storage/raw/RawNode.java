package io.vireo.storage.raw;

import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.OpenImage;
import java.util.Optional;
import java.util.OptionalLong;

/** A window on another node, which it owns: of a fixed size, or all that follows its start, however much that is. */
public final class RawNode implements BlockNode {
    private static final long TO_ITS_END = -1;

    private final String nodeName;
    private final BlockNode child;
    private final long offsetBytes;
    private final long fixedBytes;

    private RawNode(String nodeName, BlockNode child, long offsetBytes, long fixedBytes) {
        this.nodeName = nodeName;
        this.child = child;
        this.offsetBytes = offsetBytes;
        this.fixedBytes = fixedBytes;
    }

    /** All of the child. */
    public static RawNode over(String nodeName, BlockNode child) {
        return new RawNode(nodeName, child, 0, TO_ITS_END);
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
        boolean isWhole = offsetBytes == 0 && (sizeBytes == TO_ITS_END || sizeBytes == rest);
        if (child.limits().rare().zones().areThere() && !isWhole) {
            throw outside(child, "is a zoned disk: a window on it is all of it");
        }
        if (sizeBytes == TO_ITS_END) return new RawNode(nodeName, child, offsetBytes, TO_ITS_END);
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
        return fixedBytes == TO_ITS_END ? child.sizeBytes() - offsetBytes : fixedBytes;
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
        return sizeBytes() == child.sizeBytes() ? below : new WindowChannel(this, offsetBytes, below);
    }

    @Override
    public void resize(OptionalLong wanted, boolean mayShrink) {
        if (fixedBytes != TO_ITS_END) {
            throw new ImageException(ImageException.Kind.FIXED_SIZE, nodeName, "its window has a size, " + fixedBytes);
        }
        if (wanted.isEmpty() && mayShrink && offsetBytes > 0) throw outside(child, "a window that may shrink must be told to what size");
        long size = wanted.orElse(NodeLimits.SECTOR_BYTES);
        if (size <= 0 || size > Long.MAX_VALUE - offsetBytes) throw outside(child, "size = " + size);
        child.resize(wanted.isPresent() ? OptionalLong.of(offsetBytes + size) : wanted, mayShrink);
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
    public Optional<OpenImage> handOn() {
        return child.handOn();
    }

    @Override
    public void close() {
        child.close();
    }
}
