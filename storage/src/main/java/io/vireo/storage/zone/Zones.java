package io.vireo.storage.zone;

import static io.vireo.storage.zone.ZoneErrno.ACTIVE_RESOURCE;
import static io.vireo.storage.zone.ZoneErrno.INVALID_COMMAND;
import static io.vireo.storage.zone.ZoneErrno.OPEN_RESOURCE;
import static io.vireo.storage.zone.ZoneErrno.UNALIGNED_WRITE_POINTER;

import io.vireo.posix.Errno;

/**
 * The states and write pointers of a disk's zones (virtio 1.3, 5.2.6): judges what is asked for, and takes it as done
 * when it is allowed. Every method answers 0 or an errno, mostly of {@link ZoneErrno}, and changes nothing when it is
 * not 0. Where the specification is silent the ZBD standards speak: an empty or a closed zone can be finished.
 *
 * <p>Units: bytes. Thread: any; a disk may be written by several IOThreads, and who comes first is decided here.
 */
public final class Zones {
    public static final int COUNT_MAX = 1 << 20;
    private static final ZoneState[] STATES = ZoneState.values();

    /** Makes a range read as zeroes; called before the zone counts as empty. */
    @FunctionalInterface
    public interface Eraser {
        void erase(long offsetBytes, long lengthBytes);
    }

    private final ZoneLimits limits;
    private final Eraser eraser;
    private final long diskBytes;
    private final int count;
    private final int shift;
    private final long granularityMask;
    private final byte[] states;
    /** From a zone's start to its write pointer. */
    private final long[] written;
    private int open;
    private int active;
    /** The implicitly open zones, the first one opened first; kept only where their number is limited. */
    private final int[] implicit;
    private int implicitCount;

    /**
     * All sequential zones empty.
     *
     * @param diskBytes a multiple of the write granularity
     */
    public Zones(ZoneLimits limits, long diskBytes, Eraser eraser) {
        if (diskBytes % limits.writeGranularityBytes() != 0) {
            throw new IllegalArgumentException("the disk is not a multiple of " + limits.writeGranularityBytes() + " bytes");
        }
        long zones = (diskBytes + limits.zoneBytes() - 1) / limits.zoneBytes();
        if (zones > COUNT_MAX) throw new IllegalArgumentException(zones + " zones are more than " + COUNT_MAX);
        if (limits.conventionalZones() > zones) {
            throw new IllegalArgumentException("of " + zones + " zones " + limits.conventionalZones() + " are conventional");
        }
        this.limits = limits;
        this.eraser = eraser;
        this.diskBytes = diskBytes;
        count = (int) zones;
        shift = Long.numberOfTrailingZeros(limits.zoneBytes());
        granularityMask = limits.writeGranularityBytes() - 1L;
        states = new byte[count];
        written = new long[count];
        implicit = new int[limits.maxOpen()];
        for (int zone = limits.conventionalZones(); zone < count; zone++) states[zone] = (byte) ZoneState.EMPTY.ordinal();
    }

    public ZoneLimits limits() {
        return limits;
    }

    public int count() {
        return count;
    }

    /** The range lies on the disk and is not empty. */
    public synchronized int read(long offsetBytes, long lengthBytes) {
        int first = zoneAt(offsetBytes);
        int last = zoneAt(offsetBytes + lengthBytes - 1);
        for (int zone = first; zone <= last; zone++) {
            if (state(zone) == ZoneState.OFFLINE) return INVALID_COMMAND;
            if (first != last && type(zone) == ZoneType.SEQUENTIAL_WRITE_REQUIRED) return INVALID_COMMAND;
        }
        return 0;
    }

    /** The range lies on the disk and is not empty. */
    public synchronized int write(long offsetBytes, long lengthBytes) {
        int first = zoneAt(offsetBytes);
        long end = offsetBytes + lengthBytes;
        int last = zoneAt(end - 1);
        if (first == last) return writeWithin(first, offsetBytes, end);
        for (int zone = first; zone <= last; zone++) {
            if (type(zone) == ZoneType.SEQUENTIAL_WRITE_REQUIRED || state(zone).isBroken()) return INVALID_COMMAND;
        }
        for (int zone = first; zone <= last; zone++) {
            int errno = writeWithin(zone, Math.max(offsetBytes, start(zone)), Math.min(end, start(zone) + size(zone)));
            // Those before it are written up to there as far as anybody can tell: the request's content is undefined.
            if (errno != 0) return errno;
        }
        return 0;
    }

    private int writeWithin(int zone, long from, long to) {
        if (state(zone).isBroken()) return INVALID_COMMAND;
        return switch (type(zone)) {
            case CONVENTIONAL -> 0;
            case SEQUENTIAL_WRITE_REQUIRED -> writeRequired(zone, from, to);
            case SEQUENTIAL_WRITE_PREFERRED -> writePreferred(zone, from, to);
        };
    }

    private int writeRequired(int zone, long from, long to) {
        if (state(zone) == ZoneState.FULL) return INVALID_COMMAND;
        if (from != start(zone) + written[zone] || (to & granularityMask) != 0) return UNALIGNED_WRITE_POINTER;
        if (to - start(zone) > capacity(zone)) return INVALID_COMMAND;
        return openForWriting(zone, to);
    }

    /** Anywhere; the write pointer is behind whatever was written furthest. */
    private int writePreferred(int zone, long from, long to) {
        if (to - start(zone) > capacity(zone)) return INVALID_COMMAND;
        if (state(zone) == ZoneState.FULL) return 0;
        return openForWriting(zone, Math.max(to, start(zone) + written[zone]));
    }

    private int openForWriting(int zone, long nextWritePointer) {
        if (!state(zone).isOpen()) {
            int errno = makeRoom(zone);
            if (errno != 0) return errno;
            become(zone, ZoneState.IMPLICITLY_OPEN);
        }
        written[zone] = nextWritePointer - start(zone);
        if (written[zone] == capacity(zone)) become(zone, ZoneState.FULL);
        return 0;
    }

    /** The active resource is judged first: that is what is told when both are exceeded. */
    private int makeRoom(int zone) {
        if (!state(zone).isActive() && limits.maxActive() > 0 && active == limits.maxActive()) return ACTIVE_RESOURCE;
        if (limits.maxOpen() == 0 || open < limits.maxOpen()) return 0;
        if (implicitCount == 0) return OPEN_RESOURCE;
        become(implicit[0], ZoneState.CLOSED);
        return 0;
    }

    /**
     * Appends to the zone that begins at {@code zoneStartBytes}.
     *
     * @return where the data goes, or -errno
     */
    public synchronized long append(long zoneStartBytes, long lengthBytes) {
        if (limits.maxAppendBytes() == 0) return -Errno.EOPNOTSUPP;
        int zone = zoneOf(zoneStartBytes);
        if (zone < 0 || lengthBytes <= 0 || lengthBytes > limits.maxAppendBytes()
                || type(zone) != ZoneType.SEQUENTIAL_WRITE_REQUIRED) return -INVALID_COMMAND;
        long from = zoneStartBytes + written[zone];
        int errno = writeWithin(zone, from, from + lengthBytes);
        return errno == 0 ? from : -errno;
    }

    public synchronized int command(ZoneCommand command, long zoneStartBytes) {
        int zone = zoneOf(zoneStartBytes);
        if (zone < 0 || type(zone) == ZoneType.CONVENTIONAL || state(zone).isBroken()) return INVALID_COMMAND;
        return switch (command) {
            case OPEN -> open(zone);
            case CLOSE -> close(zone);
            case FINISH -> finish(zone);
            case RESET -> reset(zone);
        };
    }

    private int open(int zone) {
        switch (state(zone)) {
            case EXPLICITLY_OPEN -> {}
            case IMPLICITLY_OPEN -> become(zone, ZoneState.EXPLICITLY_OPEN);
            case EMPTY, CLOSED -> {
                int errno = makeRoom(zone);
                if (errno != 0) return errno;
                become(zone, ZoneState.EXPLICITLY_OPEN);
            }
            default -> {
                return INVALID_COMMAND;
            }
        }
        return 0;
    }

    private int close(int zone) {
        switch (state(zone)) {
            case CLOSED -> {}
            case IMPLICITLY_OPEN, EXPLICITLY_OPEN ->
                become(zone, written[zone] == 0 ? ZoneState.EMPTY : ZoneState.CLOSED);
            default -> {
                return INVALID_COMMAND;
            }
        }
        return 0;
    }

    private int finish(int zone) {
        if (state(zone) == ZoneState.FULL) return 0;
        written[zone] = capacity(zone);
        become(zone, ZoneState.FULL);
        return 0;
    }

    private int reset(int zone) {
        if (state(zone) == ZoneState.EMPTY) return 0;
        eraser.erase(start(zone), written[zone]);
        written[zone] = 0;
        become(zone, ZoneState.EMPTY);
        return 0;
    }

    /** Empties every sequential zone that has not failed. */
    public synchronized int resetAll() {
        for (int zone = limits.conventionalZones(); zone < count; zone++) if (!state(zone).isBroken()) reset(zone);
        return 0;
    }

    /** Resets whole zones, as an erasure of their range does. */
    public synchronized int erase(long offsetBytes, long lengthBytes) {
        int first = zoneOf(offsetBytes);
        int last = zoneAt(offsetBytes + lengthBytes - 1);
        if (first < 0 || start(last) + size(last) != offsetBytes + lengthBytes) return INVALID_COMMAND;
        for (int zone = first; zone <= last; zone++) {
            if (type(zone) == ZoneType.CONVENTIONAL || state(zone).isBroken()) return INVALID_COMMAND;
        }
        for (int zone = first; zone <= last; zone++) reset(zone);
        return 0;
    }

    /** Tells of zones from the one with {@code offsetBytes} in it, as many as the sink takes. */
    public synchronized int report(long offsetBytes, ZoneSink sink) {
        if (offsetBytes < 0 || offsetBytes >= diskBytes) return INVALID_COMMAND;
        for (int zone = zoneAt(offsetBytes); zone < count; zone++) {
            long capacity = type(zone) == ZoneType.CONVENTIONAL ? size(zone) : capacity(zone);
            if (!sink.zone(start(zone), capacity, start(zone) + written[zone], type(zone), state(zone))) break;
        }
        return 0;
    }

    /** A zone that has failed, as those of a real disk do by themselves: READ_ONLY or OFFLINE, and never back. */
    public synchronized void fail(int zone, ZoneState next) {
        if (!next.isBroken() || state(zone) == ZoneState.OFFLINE || zone < limits.conventionalZones()) {
            throw new IllegalArgumentException("zone " + zone + " is " + state(zone) + " and cannot become " + next);
        }
        become(zone, next);
    }

    /** The one place where states change: it keeps count of the resources. */
    private void become(int zone, ZoneState next) {
        ZoneState before = state(zone);
        if (before.isOpen()) open--;
        if (before.isActive()) active--;
        if (next.isOpen()) open++;
        if (next.isActive()) active++;
        if (limits.maxOpen() > 0) {
            if (before == ZoneState.IMPLICITLY_OPEN) forgetImplicit(zone);
            if (next == ZoneState.IMPLICITLY_OPEN) implicit[implicitCount++] = zone;
        }
        states[zone] = (byte) next.ordinal();
    }

    private void forgetImplicit(int zone) {
        int at = 0;
        while (implicit[at] != zone) at++;
        System.arraycopy(implicit, at + 1, implicit, at, --implicitCount - at);
    }

    private ZoneType type(int zone) {
        if (zone < limits.conventionalZones()) return ZoneType.CONVENTIONAL;
        return limits.model() == ZoneModel.HOST_MANAGED
                ? ZoneType.SEQUENTIAL_WRITE_REQUIRED
                : ZoneType.SEQUENTIAL_WRITE_PREFERRED;
    }

    private ZoneState state(int zone) {
        return STATES[states[zone]];
    }

    private int zoneAt(long offsetBytes) {
        return (int) (offsetBytes >>> shift);
    }

    /** The zone that begins there, or -1. */
    private int zoneOf(long startBytes) {
        boolean isStart = startBytes >= 0 && startBytes < diskBytes && (startBytes & limits.zoneBytes() - 1) == 0;
        return isStart ? zoneAt(startBytes) : -1;
    }

    private long start(int zone) {
        return (long) zone << shift;
    }

    private long size(int zone) {
        return Math.min(limits.zoneBytes(), diskBytes - start(zone));
    }

    private long capacity(int zone) {
        return Math.min(limits.zoneCapacityBytes(), size(zone));
    }
}
