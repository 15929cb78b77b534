package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A disk with a volatile cache that does what it was asked in any order and piece by piece, fails as it likes, and can
 * lose its power. Thread: the simulation's.
 */
final class SimulatedDisk implements BlockNode, NodeChannel {
    static final int SECTORS = 48;
    static final int SECTOR_BYTES = 512;
    private static final long MIX = 0x9E3779B97F4A7C15L;

    private final RandomGenerator random;
    private final NativeBlock staging = NativeBlock.allocate(SECTOR_BYTES, 8);
    private final List<IoRequest> held = new ArrayList<>();
    private final long[] cached = new long[SECTORS];
    private final long[] durable = new long[SECTORS];
    /** Of a thousand. */
    private int failures;
    private int atOnce;
    long failed;
    boolean channelClosed;

    SimulatedDisk(RandomGenerator random) {
        this.random = random;
    }

    void behave(int failuresOfThousand, int atOnceOfHundred) {
        failures = failuresOfThousand;
        atOnce = atOnceOfHundred;
    }

    /** A word of a sector's content. */
    static long word(long version, int index) {
        return version == 0 ? 0 : version ^ index * MIX;
    }

    /** The version that a sector in memory holds. */
    static long versionAt(long address) {
        long version = Memory.getLong(address);
        for (int i = 1; i < SECTOR_BYTES / 8; i++) {
            if (Memory.getLong(address + 8L * i) != word(version, i)) {
                throw new AssertionError("a sector that begins with version " + version + " is torn at byte " + 8 * i);
            }
        }
        return version;
    }

    static void fill(long address, long version) {
        for (int i = 0; i < SECTOR_BYTES / 8; i++) Memory.putLong(address + 8L * i, word(version, i));
    }

    boolean isIdle() {
        return held.isEmpty();
    }

    @Override
    public void submit(IoRequest request) {
        held.add(request);
        if (random.nextInt(100) < atOnce) while (held.contains(request)) advance(request);
    }

    /** Does a part of something. */
    void step() {
        if (!held.isEmpty()) advance(held.get(random.nextInt(held.size())));
        // A cache writes back when it likes.
        int sector = random.nextInt(SECTORS);
        if (random.nextInt(4) == 0) durable[sector] = cached[sector];
    }

    void losePower() {
        System.arraycopy(durable, 0, cached, 0, SECTORS);
        while (!held.isEmpty()) held.removeLast().complete(Errno.EIO);
    }

    private void advance(IoRequest request) {
        if (random.nextInt(1000) < failures) {
            if (random.nextBoolean()) change(request);
            finish(request, random.nextBoolean() ? Errno.EIO : Errno.ENOSPC);
            failed++;
            return;
        }
        if (request.data() != null && request.data().totalBytes() > 0) {
            transferSome(request);
            if (random.nextInt(3) > 0) return; // it completes later
            while (request.data().totalBytes() > 0) transferSome(request);
        } else {
            change(request);
        }
        if (request.durable()) keep(request);
        finish(request, 0);
    }

    private void finish(IoRequest request, int errno) {
        held.remove(request);
        request.complete(errno);
    }

    private void transferSome(IoRequest request) {
        IoVec data = request.data();
        for (int sectors = 1 + random.nextInt(3); sectors > 0 && data.totalBytes() > 0; sectors--) {
            int sector = (int) ((request.nodeOffsetBytes() + request.lengthBytes() - data.totalBytes()) / SECTOR_BYTES);
            switch (request.operation()) {
                case READ -> {
                    fill(staging.address(), cached[sector]);
                    pass(data, true);
                }
                case WRITE -> {
                    pass(data, false);
                    cached[sector] = versionAt(staging.address());
                    if (request.durable()) durable[sector] = cached[sector];
                }
                default -> throw new AssertionError(request);
            }
        }
    }

    /** One sector between the staging block and the buffers, which move on. */
    private void pass(IoVec data, boolean toGuest) {
        for (int done = 0; done < SECTOR_BYTES; ) {
            int piece = (int) Math.min(SECTOR_BYTES - done, data.lengthBytes(0));
            long here = staging.address() + done;
            if (toGuest) Memory.copy(here, data.base(0), piece);
            else Memory.copy(data.base(0), here, piece);
            data.advance(piece);
            done += piece;
        }
    }

    private void change(IoRequest request) {
        int first = (int) (request.nodeOffsetBytes() / SECTOR_BYTES);
        int end = first + (int) (request.lengthBytes() / SECTOR_BYTES);
        switch (request.operation()) {
            case FLUSH -> System.arraycopy(cached, 0, durable, 0, SECTORS);
            case WRITE_ZEROES -> {
                for (int sector = first; sector < end; sector++) cached[sector] = 0;
            }
            case DISCARD -> {
                for (int sector = first; sector < end; sector++) if (random.nextBoolean()) cached[sector] = 0;
            }
            default -> {}
        }
    }

    private void keep(IoRequest request) {
        int first = (int) (request.nodeOffsetBytes() / SECTOR_BYTES);
        System.arraycopy(cached, first, durable, first, (int) (request.lengthBytes() / SECTOR_BYTES));
    }

    @Override
    public NodeChannel open(IoContext context) {
        channelClosed = false;
        return this;
    }

    /** Of the channel, which is this disk's only one. */
    @Override
    public void close() {
        channelClosed = true;
    }

    void free() {
        staging.close();
    }

    @Override
    public String nodeName() {
        return "simulated";
    }

    @Override
    public String driver() {
        return "simulated";
    }

    @Override
    public long sizeBytes() {
        return (long) SECTORS * SECTOR_BYTES;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public NodeLimits limits() {
        return NodeLimits.SECTORS;
    }
}
