package io.vireo.virtio.queue;

import java.util.Set;

/**
 * The driver broke a rule of the virtqueue that leaves no way to answer the request: the vring stops until it is reset.
 *
 * <p>It carries no stack trace: it is the guest's fault, not ours, and a hostile guest can raise it as often as it
 * is given a new ring.
 */
public final class VirtqueueBroken extends RuntimeException {
    private final Fault fault;
    private final long value;

    public VirtqueueBroken(Fault fault, long value) {
        super(fault.text + " (" + fault + ", 0x" + Long.toHexString(value) + ")", null, false, false);
        this.fault = fault;
        this.value = value;
    }

    public Fault fault() {
        return fault;
    }

    /** The offending value; what it is depends on the fault. */
    public long value() {
        return value;
    }

    /** What the driver did; the value that goes with each is in brackets. */
    public enum Fault {
        /** [avail.idx] */
        AVAIL_JUMP("the available index moved further than the queue is long"),
        /** [head] */
        HEAD_OUT_OF_RANGE("the head of a chain is not in the descriptor table"),
        /** [head] */
        HEAD_IN_FLIGHT("the head of a chain is that of a request still in flight"),
        /** [buffer ID] */
        BUFFER_ID_OUT_OF_RANGE("a buffer ID is not below the queue's size"),
        /** [buffer ID] */
        BUFFER_ID_IN_FLIGHT("a buffer ID is that of a request still in flight"),
        /** [offset of the chain] */
        RING_OVERRUN("descriptors were made available over those of requests still in flight"),
        /** [offset] */
        NEXT_NOT_AVAILABLE("a chain goes on with a descriptor that was not made available"),
        /** [index] */
        NEXT_OUT_OF_RANGE("a descriptor's next is not in its table"),
        /** [head] */
        CHAIN_LOOP("a descriptor chain loops"),
        /** [head] */
        CHAIN_TOO_LONG("a descriptor chain has too many buffers"),
        /** [address] */
        BAD_ADDRESS("a buffer is not in the guest's memory"),
        /** [address] */
        READABLE_AFTER_WRITABLE("a device-readable buffer follows a device-writable one"),
        /** [head] */
        INDIRECT_NOT_NEGOTIATED("an indirect descriptor without VIRTIO_F_INDIRECT_DESC"),
        /** [head] */
        INDIRECT_WITH_NEXT("an indirect descriptor has a next, or is one in a packed virtqueue"),
        /** [head] */
        INDIRECT_NESTED("an indirect descriptor in an indirect table"),
        /** [length] */
        INDIRECT_LENGTH("an indirect table's length is zero, too large, or not a multiple of 16"),
        /** [version] */
        INFLIGHT_VERSION("the in-flight region has an unknown version"),
        /** [entries] */
        INFLIGHT_SIZE("the in-flight region was made for another queue size"),
        /** [index] */
        INFLIGHT_INDEX("the in-flight region names a descriptor that is not there, or twice"),
        /** [value] */
        INFLIGHT_USED("the in-flight region goes on where no virtqueue can"),
        /** [requests] */
        INFLIGHT_HELD("requests of the driver before have not come back from the drive"),
        /** [device-readable bytes] */
        HEADER_SHORT("a request without a whole header"),
        /** [head] */
        STATUS_MISSING("a request without room for its status");

        /** Of an {@link InflightArea}, which the front-end keeps: no driver can do it. */
        public static final Set<Fault> OF_INFLIGHT =
                Set.of(INFLIGHT_VERSION, INFLIGHT_SIZE, INFLIGHT_INDEX, INFLIGHT_USED, INFLIGHT_HELD);

        private final String text;

        Fault(String text) {
            this.text = text;
        }
    }
}
