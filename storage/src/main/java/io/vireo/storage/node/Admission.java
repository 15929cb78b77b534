package io.vireo.storage.node;

import io.vireo.posix.Errno;

/** What a node lets in: the checks that every node makes before it looks at a request any closer. */
public final class Admission {
    private final long sizeBytes;
    private final boolean readOnly;
    private final NodeLimits limits;
    private final long alignmentMask;

    public Admission(BlockNode node) {
        this.sizeBytes = node.sizeBytes();
        this.readOnly = node.readOnly();
        this.limits = node.limits();
        this.alignmentMask = limits.requestAlignmentBytes() - 1L;
    }

    /**
     * 0, or the errno that the request fails with: EROFS on a read-only node, EOPNOTSUPP for what it cannot do, EINVAL
     * outside its size, its alignment or its largest transfer.
     */
    public int judge(IoRequest request) {
        Operation operation = request.operation();
        if (operation == Operation.FLUSH) return 0;
        if (readOnly && operation.changesData()) return Errno.EROFS;
        long offset = request.nodeOffsetBytes();
        long length = request.lengthBytes();
        // The subtraction cannot overflow: both are known not to be negative by then.
        if (offset < 0 || length <= 0 || length > sizeBytes || offset > sizeBytes - length) return outside(operation);
        if (((offset | length) & alignmentMask) != 0) return Errno.EINVAL;
        return switch (operation) {
            case READ, WRITE -> length <= limits.maxTransferBytes() ? 0 : Errno.EINVAL;
            case DISCARD -> judgeRange(limits.discard(), length);
            case WRITE_ZEROES -> judgeRange(limits.writeZeroes(), length);
            case SECURE_ERASE -> judgeRange(limits.rare().secureErase(), length);
            case FLUSH -> 0;
            default -> Errno.EOPNOTSUPP;
        };
    }

    /** On no range of the node: wrong, but for operations that have none. Those on zones are not for ordinary nodes. */
    private int outside(Operation operation) {
        return switch (operation) {
            case READ, WRITE, FLUSH, DISCARD, WRITE_ZEROES, SECURE_ERASE -> Errno.EINVAL;
            case LIFETIME -> limits.rare().tellsLifetime() ? 0 : Errno.EOPNOTSUPP;
            case ZONE_REPORT, ZONE_APPEND, ZONE_OPEN, ZONE_CLOSE, ZONE_FINISH, ZONE_RESET, ZONE_RESET_ALL ->
                Errno.EOPNOTSUPP;
        };
    }

    private static int judgeRange(NodeLimits.RangeLimits range, long lengthBytes) {
        if (!range.supported()) return Errno.EOPNOTSUPP;
        return lengthBytes <= range.maxBytes() ? 0 : Errno.EINVAL;
    }
}
