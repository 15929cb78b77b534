package io.vireo.posix.uring;

import static io.vireo.posix.uring.UringLayout.*;

import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.UringCalls;

/** The calls of io_uring_register that want a structure. */
final class Registration {
    /** struct io_uring_rsrc_update: { u32 offset; u32 resv; u64 data; }. */
    private static final int UPDATE_BYTES = 16;
    private static final int ANY_OFFSET = -1;

    private Registration() {}

    /** Registers the ring's own descriptor with the calling thread: its index there, or negative before 5.18. */
    static int registerRing(UringCalls calls, int ring) {
        try (NativeBlock update = NativeBlock.allocate(UPDATE_BYTES, 8)) {
            Memory.putInt(update.address(), ANY_OFFSET);
            Memory.putLong(update.address() + 8, ring);
            int registered = calls.register(ring, IORING_REGISTER_RING_FDS, update.address(), 1);
            return registered == 1 ? Memory.getInt(update.address()) : -1;
        }
    }

    static void unregisterRing(UringCalls calls, int ring, int index) {
        try (NativeBlock update = NativeBlock.allocate(UPDATE_BYTES, 8)) {
            Memory.putInt(update.address(), index);
            calls.register(ring, IORING_UNREGISTER_RING_FDS, update.address(), 1);
        }
    }
}
