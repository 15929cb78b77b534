package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.posix.Memory;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.Operation;
import io.vireo.storage.zone.ZoneSink;
import io.vireo.storage.zone.ZoneState;
import io.vireo.storage.zone.ZoneType;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkRequest;
import io.vireo.virtio.blk.ZoneReport;

/**
 * What a slot asks of the node for a request that is neither read, write nor flush: its ranges go there one after the
 * other, and the first that fails ends it, as 5.2.6 allows; what the node answers is written to the guest's memory
 * here. Begun anew, all of it is done again.
 *
 * <p>Thread: the IOThread.
 */
final class RareRequest {
    private final RequestSlot slot;
    private final DeviceShard shard;
    private final IoRequest io = new IoRequest((_, errno) -> answered(errno));
    private final ZoneSink zones = this::zone;
    private final ZoneReport report = new ZoneReport();
    private boolean durable;
    private int range;

    RareRequest(RequestSlot slot, DeviceShard shard) {
        this.slot = slot;
        this.shard = shard;
    }

    /** What the node is to do first. */
    IoRequest begin(boolean writesAreDurable) {
        durable = writesAreDurable;
        range = 0;
        return ask();
    }

    private IoRequest ask() {
        BlkRequest blk = slot.blk;
        return switch (blk.type()) {
            case BlkLayout.T_DISCARD ->
                io.discard(blk.rangeOffsetBytes(range), blk.rangeLengthBytes(range), durable);
            case BlkLayout.T_WRITE_ZEROES -> io.writeZeroes(
                    blk.rangeOffsetBytes(range), blk.rangeLengthBytes(range), blk.unmap(range), durable);
            case BlkLayout.T_SECURE_ERASE ->
                io.secureErase(blk.rangeOffsetBytes(range), blk.rangeLengthBytes(range));
            case BlkLayout.T_GET_LIFETIME -> io.lifetime();
            case BlkLayout.T_ZONE_REPORT -> {
                report.begin(blk.data());
                yield io.zoneReport(blk.offsetBytes(), zones);
            }
            case BlkLayout.T_ZONE_APPEND -> io.zoneAppend(blk.offsetBytes(), blk.data(), durable);
            case BlkLayout.T_ZONE_OPEN -> io.zone(Operation.ZONE_OPEN, blk.offsetBytes());
            case BlkLayout.T_ZONE_CLOSE -> io.zone(Operation.ZONE_CLOSE, blk.offsetBytes());
            case BlkLayout.T_ZONE_FINISH -> io.zone(Operation.ZONE_FINISH, blk.offsetBytes());
            case BlkLayout.T_ZONE_RESET -> io.zone(Operation.ZONE_RESET, blk.offsetBytes());
            case BlkLayout.T_ZONE_RESET_ALL -> io.zone(Operation.ZONE_RESET_ALL, 0);
            default -> throw new IllegalStateException("type=" + blk.type());
        };
    }

    /** Inside the node's completion, which may be inside submit: as deep as there are ranges, so not deep. */
    private void answered(int errno) {
        range++;
        if (errno == 0 && range < slot.blk.rangeCount() && shard.submitNext(slot, ask())) return;
        slot.finished(errno == 0 ? putAnswer() : errno);
    }

    /** Guest memory that is gone is seen again by whoever writes the status. */
    private int putAnswer() {
        BlkRequest blk = slot.blk;
        try {
            switch (blk.type()) {
                case BlkLayout.T_GET_LIFETIME -> blk.putAnswer(io.answer());
                case BlkLayout.T_ZONE_APPEND -> blk.putAnswer(io.answer() / BlkLayout.SECTOR_BYTES);
                case BlkLayout.T_ZONE_REPORT -> blk.reported(report.end());
                default -> {}
            }
            Memory.raiseFaults();
            return 0;
        } catch (InternalError e) {
            return Errno.EFAULT;
        }
    }

    private boolean zone(long startBytes, long capacityBytes, long writePointerBytes, ZoneType type, ZoneState state) {
        try {
            boolean added = report.add(startBytes, capacityBytes, writePointerBytes, numberOf(type), numberOf(state));
            Memory.raiseFaults();
            return added;
        } catch (InternalError e) {
            return false;
        }
    }

    private static int numberOf(ZoneType type) {
        return switch (type) {
            case CONVENTIONAL -> BlkLayout.ZT_CONV;
            case SEQUENTIAL_WRITE_REQUIRED -> BlkLayout.ZT_SWR;
            case SEQUENTIAL_WRITE_PREFERRED -> BlkLayout.ZT_SWP;
        };
    }

    private static int numberOf(ZoneState state) {
        return switch (state) {
            case NOT_WRITE_POINTER -> BlkLayout.ZS_NOT_WP;
            case EMPTY -> BlkLayout.ZS_EMPTY;
            case IMPLICITLY_OPEN -> BlkLayout.ZS_IOPEN;
            case EXPLICITLY_OPEN -> BlkLayout.ZS_EOPEN;
            case CLOSED -> BlkLayout.ZS_CLOSED;
            case FULL -> BlkLayout.ZS_FULL;
            case READ_ONLY -> BlkLayout.ZS_RDONLY;
            case OFFLINE -> BlkLayout.ZS_OFFLINE;
        };
    }
}
