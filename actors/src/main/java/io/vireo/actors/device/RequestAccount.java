package io.vireo.actors.device;

import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.Op;
import io.vireo.monitoring.metrics.Reason;
import io.vireo.virtio.blk.BlkLayout;

/** Counts a device's finished requests, and tells its listener of those that failed. */
final class RequestAccount {
    private final DeviceCounters counters;
    private final DeviceListener listener;
    private final boolean readOnly;

    RequestAccount(DeviceCounters counters, DeviceListener listener, boolean readOnly) {
        this.readOnly = readOnly;
        this.counters = counters;
        this.listener = listener;
    }

    void finished(RequestSlot slot, long nowNanos) {
        int op = opOf(slot.blk.type());
        boolean ok = slot.status() == BlkLayout.S_OK;
        counters.requestCompleted(op, ok ? slot.blk.lengthBytes() : 0, nowNanos - slot.takenNanos);
        if (ok) return;
        int reason = reasonOf(slot);
        counters.requestFailed(op, reason);
        listener.requestFailed(
                slot.queue.ring.index(), slot.blk.type(), slot.blk.offsetBytes(), reason, slot.errno());
    }

    private int reasonOf(RequestSlot slot) {
        if (slot.errno() != 0) return Reason.ofErrno(slot.errno());
        if (slot.status() == BlkLayout.S_UNSUPP) return Reason.UNSUPPORTED;
        if (slot.blk.outOfRange()) return Reason.OUT_OF_RANGE;
        return readOnly && slot.blk.type() != BlkLayout.T_IN ? Reason.READ_ONLY : Reason.INVALID;
    }

    private static int opOf(int type) {
        return switch (type) {
            case BlkLayout.T_IN -> Op.READ;
            case BlkLayout.T_OUT, BlkLayout.T_ZONE_APPEND -> Op.WRITE;
            case BlkLayout.T_FLUSH -> Op.FLUSH;
            case BlkLayout.T_DISCARD -> Op.DISCARD;
            case BlkLayout.T_WRITE_ZEROES -> Op.WRITE_ZEROES;
            case BlkLayout.T_GET_ID -> Op.GET_ID;
            default -> Op.OTHER;
        };
    }
}
