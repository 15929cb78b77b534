package io.vireo.virtio.blk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a block device knows that neither its configuration nor its driver says again after a migration. Little endian:
 * {@code u32 magic, version; u8 writeback, 0, 0, 0}, and in version 2 {@code u32 count} and so many requests. One without
 * requests is of version 1, which older devices know.
 *
 * @param kept requests that were taken and are to be tried again, oldest failure first
 */
public record BlkState(boolean writeback, List<KeptRequest> kept) {
    private static final int BYTES = 12;
    /** "VBLK". */
    private static final int MAGIC = 0x4B4C4256;
    private static final int VERSION = 1;
    private static final int VERSION_WITH_REQUESTS = 2;

    public BlkState {
        kept = List.copyOf(kept);
    }

    public BlkState(boolean writeback) {
        this(writeback, List.of());
    }

    public byte[] encode() {
        boolean requests = !kept.isEmpty();
        int bytes = BYTES + (requests ? Integer.BYTES : 0) + kept.stream().mapToInt(KeptRequest::encodedBytes).sum();
        ByteBuffer to = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC).putInt(requests ? VERSION_WITH_REQUESTS : VERSION).putInt(writeback ? 1 : 0);
        if (requests) to.putInt(kept.size());
        kept.forEach(request -> request.encode(to));
        return to.array();
    }

    /** Null for anything that {@link #encode} does not make. */
    public static BlkState decode(byte[] bytes) {
        if (bytes.length < BYTES) return null;
        ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (from.getInt() != MAGIC) return null;
        int version = from.getInt();
        int writeback = from.getInt();
        if (writeback != 0 && writeback != 1) return null;
        List<KeptRequest> kept = new ArrayList<>();
        if (version == VERSION_WITH_REQUESTS) {
            if (from.remaining() < Integer.BYTES) return null;
            int count = from.getInt();
            if (count < 1) return null;
            for (int i = 0; i < count; i++) {
                KeptRequest request = KeptRequest.decode(from);
                if (request == null) return null;
                kept.add(request);
            }
        } else if (version != VERSION) {
            return null;
        }
        return from.hasRemaining() ? null : new BlkState(writeback == 1, kept);
    }
}
