package io.vireo.actors.device;

import io.vireo.posix.Memory;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import java.util.random.RandomGenerator;

/**
 * A virtio-blk driver of one virtqueue that cuts its buffers anywhere, sends whatever there is to send, and believes only
 * what {@link SectorStates} allows. Requests in flight have their sectors to themselves. Thread: the simulation's.
 */
final class SimulatedDriver {
    static final int BUFFERS_MAX = 9;
    private static final int SECTORS_MAX = 4;
    private static final int SEGMENTS_MAX = 2;
    private static final int DATA = 64;
    private static final int STATUS = DATA + SECTORS_MAX * SimulatedDisk.SECTOR_BYTES;
    private static final int CANARY = STATUS + 8;
    private static final int SLOT_BYTES = CANARY + 8;
    private static final long CANARY_VALUE = 0x5AFE_5AFE_5AFE_5AFEL;
    private static final int UNWRITTEN = 0xEE;

    final DriverVirtqueue ring;
    boolean asleep;
    private final DriverMemory memory;
    private final Shared shared;
    private final RandomGenerator random;
    private final long slots;
    private final Slot[] slot;
    private boolean kickDue;

    /** What the drivers of a device know together. */
    static final class Shared {
        final SectorStates states = new SectorStates(SimulatedDisk.SECTORS);
        final boolean[] busy = new boolean[SimulatedDisk.SECTORS];
        boolean durable;
        /** How often {@link #durable} was switched. */
        long switches;
        long versions;
        long completed;
        long ioErrors;
    }

    private static final class Slot {
        boolean used;
        /** A device that is gone may have done it. */
        boolean again;
        int type;
        int first;
        int sectors;
        long version;
        int status;
        long[] settled;
        long switches;
        boolean durable;
    }

    SimulatedDriver(DriverMemory memory, DriverVirtqueue ring, Shared shared, RandomGenerator random) {
        this.memory = memory;
        this.ring = ring;
        this.shared = shared;
        this.random = random;
        slots = memory.allocate((long) ring.size() * SLOT_BYTES, 64);
        slot = new Slot[ring.size()];
        for (int i = 0; i < slot.length; i++) slot[i] = new Slot();
    }

    int inFlight() {
        return ring.inFlight();
    }

    /** Puts one request into the ring; false when there is no room, or no sector that is free. */
    boolean send() {
        int index = 0;
        while (index < slot.length && slot[index].used) index++;
        if (index == slot.length || !draw(slot[index])) return false;
        Slot request = slot[index];
        long at = slots + (long) index * SLOT_BYTES;
        long here = memory.address(at);
        int readable = BlkLayout.REQ_HEADER_BYTES;
        int writable = 1;
        switch (request.type) {
            case BlkLayout.T_IN -> writable += request.sectors * SimulatedDisk.SECTOR_BYTES;
            case BlkLayout.T_OUT -> {
                readable += request.sectors * SimulatedDisk.SECTOR_BYTES;
                for (int i = 0; i < request.sectors; i++) SimulatedDisk.fill(here + DATA + 512L * i, request.version);
            }
            case BlkLayout.T_DISCARD, BlkLayout.T_WRITE_ZEROES -> readable += putSegments(here + DATA, request);
            case BlkLayout.T_GET_ID -> writable += BlkLayout.ID_BYTES;
            default -> {}
        }
        Memory.putInt(here, request.type);
        Memory.putLong(here + BlkLayout.REQ_SECTOR, request.type > BlkLayout.T_OUT ? 0 : request.first);
        Memory.putU8(here + STATUS, UNWRITTEN);
        Memory.putLong(here + CANARY, CANARY_VALUE);
        ring.useIndirect(random.nextBoolean());
        ring.begin();
        int parts = ring.buffersMax();
        parts -= cut(at, BlkLayout.REQ_HEADER_BYTES, false, parts - (readable > 16 ? 2 : 1) - (writable > 1 ? 1 : 0));
        if (readable > 16) parts -= cut(at + DATA, readable - 16, false, parts - 1);
        if (writable > 1) parts -= cut(at + DATA, writable - 1, true, parts - 1);
        ring.add(at + STATUS, 1, true);
        if (!ring.commit(index)) return false;
        begin(request);
        return true;
    }

    /** Adds a range as one buffer or as several; how many they were. */
    private int cut(long gpa, int bytes, boolean writable, int partsMax) {
        int parts = 0;
        int done = 0;
        while (done < bytes) {
            int piece = ++parts < partsMax && random.nextInt(3) == 0 ? random.nextInt(1, bytes - done + 1) : bytes - done;
            ring.add(gpa + done, piece, writable);
            done += piece;
        }
        return parts;
    }

    private boolean draw(Slot request) {
        request.status = BlkLayout.S_OK;
        request.sectors = 0;
        request.version = 0;
        // Header, data and status take a buffer each; a ring of two has room for header and status alone.
        boolean data = ring.buffersMax() > 2;
        request.type = switch (random.nextInt(data ? 16 : 3)) {
            case 0, 1 -> BlkLayout.T_FLUSH;
            case 2 -> 77;
            case 3 -> BlkLayout.T_GET_ID;
            case 4 -> BlkLayout.T_DISCARD;
            case 5 -> BlkLayout.T_WRITE_ZEROES;
            case 6, 7, 8, 9 -> BlkLayout.T_IN;
            default -> BlkLayout.T_OUT;
        };
        if (request.type == 77) request.status = BlkLayout.S_UNSUPP;
        if (request.type == BlkLayout.T_FLUSH || request.type == 77 || request.type == BlkLayout.T_GET_ID) return true;
        request.sectors = 1 + random.nextInt(SECTORS_MAX);
        if (random.nextInt(24) == 0) {
            request.first = SimulatedDisk.SECTORS - request.sectors + 1 + random.nextInt(3);
            request.status = BlkLayout.S_IOERR;
            return true;
        }
        request.first = random.nextInt(SimulatedDisk.SECTORS - request.sectors + 1);
        for (int i = 0; i < request.sectors; i++) if (shared.busy[request.first + i]) return false;
        if (request.type == BlkLayout.T_OUT) request.version = ++shared.versions * 0x1_0000_0001L;
        return true;
    }

    /** One segment, or the range cut in two. */
    private int putSegments(long here, Slot request) {
        int first = request.sectors > 1 && random.nextBoolean() ? random.nextInt(1, request.sectors) : request.sectors;
        putSegment(here, request.first, first);
        if (first == request.sectors) return 16;
        putSegment(here + 16, request.first + first, request.sectors - first);
        return 16 * SEGMENTS_MAX;
    }

    private static void putSegment(long here, long sector, int sectors) {
        Memory.putLong(here, sector);
        Memory.putLong(here + 8, sectors);
    }

    private boolean changes(Slot request) {
        return request.status == BlkLayout.S_OK && (request.type == BlkLayout.T_OUT
                || request.type == BlkLayout.T_WRITE_ZEROES || request.type == BlkLayout.T_DISCARD);
    }

    private void begin(Slot request) {
        request.used = true;
        request.again = false;
        request.switches = shared.switches;
        request.durable = shared.durable;
        if (request.type == BlkLayout.T_FLUSH) request.settled = shared.states.settled();
        if (request.sectors == 0 || request.status != BlkLayout.S_OK) return;
        for (int i = request.first; i < request.first + request.sectors; i++) {
            shared.busy[i] = true;
            if (changes(request)) shared.states.begin(i, request.version);
        }
    }

    /** Shows the device what was sent; true when it is to be kicked. */
    boolean publish() {
        ring.publish();
        kickDue |= ring.kickNeeded();
        return takeKick();
    }

    private boolean takeKick() {
        boolean due = kickDue;
        kickDue = false;
        return due;
    }

    /** Takes one request back; false when there is none. */
    boolean reap() {
        int index = ring.reap();
        if (index < 0) return false;
        Slot request = slot[index];
        long here = memory.address(slots + (long) index * SLOT_BYTES);
        int status = Memory.getU8(here + STATUS);
        boolean failed = request.status == BlkLayout.S_OK && status == BlkLayout.S_IOERR
                && request.type != BlkLayout.T_GET_ID;
        check(failed || status == request.status, request, "has status " + status);
        if (failed) shared.ioErrors++;
        check(Memory.getLong(here + CANARY) == CANARY_VALUE, request, "has written behind its buffers");
        check(isAsSent(request, here), request, "has changed what it could only read");
        check(ring.usedLengthBytes() == writtenBytes(request, status), request, "has written " + ring.usedLengthBytes());
        if (status == BlkLayout.S_OK) succeeded(request, here);
        else if (changes(request)) each(request, sector -> shared.states.perhaps(sector, request.version));
        free(request);
        shared.completed++;
        return true;
    }

    private static boolean isAsSent(Slot request, long here) {
        if (Memory.getInt(here) != request.type) return false;
        for (int i = 0; request.type == BlkLayout.T_OUT && i < request.sectors; i++) {
            if (SimulatedDisk.versionAt(here + DATA + 512L * i) != request.version) return false;
        }
        return true;
    }

    private long writtenBytes(Slot request, int status) {
        if (status != BlkLayout.S_OK) return 1;
        return switch (request.type) {
            case BlkLayout.T_IN -> request.sectors * 512L + 1;
            case BlkLayout.T_GET_ID -> BlkLayout.ID_BYTES + 1;
            default -> 1;
        };
    }

    private void succeeded(Slot request, long here) {
        // Only of a mode that held from before it was sent until after it was answered is anything promised.
        boolean durable = request.durable && shared.durable && request.switches == shared.switches;
        switch (request.type) {
            case BlkLayout.T_IN -> {
                for (int i = 0; i < request.sectors; i++) {
                    shared.states.seen(request.first + i, SimulatedDisk.versionAt(here + DATA + 512L * i));
                }
            }
            case BlkLayout.T_OUT, BlkLayout.T_WRITE_ZEROES ->
                each(request, sector -> shared.states.done(sector, request.version, durable));
            case BlkLayout.T_DISCARD -> each(request, sector -> shared.states.perhaps(sector, 0));
            case BlkLayout.T_FLUSH -> shared.states.flushed(request.settled);
            default -> {}
        }
    }

    private interface Sector {
        void of(int sector);
    }

    private static void each(Slot request, Sector action) {
        for (int i = 0; i < request.sectors; i++) action.of(request.first + i);
    }

    private void free(Slot request) {
        request.used = false;
        if (request.status == BlkLayout.S_OK) each(request, sector -> shared.busy[sector] = false);
    }

    private static void check(boolean right, Slot request, String what) {
        if (!right) {
            throw new AssertionError("a request of type " + request.type + " at " + request.first + " for "
                    + request.sectors + " sectors, status " + request.status + " due, " + what);
        }
    }

    /** Begins anew: what is in the ring, which nobody has taken, is forgotten. */
    void reset(int base) {
        for (Slot request : slot) {
            if (!request.used) continue;
            if (changes(request) && request.again) each(request, sector -> shared.states.perhaps(sector, request.version));
            else if (changes(request)) each(request, shared.states::never);
            free(request);
        }
        begin(base);
    }

    /** The device is gone: its successor is to do what it had. */
    void offerAgain() {
        for (Slot request : slot) request.again = true;
        ring.offerAgain();
    }

    /** Begins anew with everybody else: no request is anybody's. */
    void forget(int base) {
        for (Slot request : slot) if (request.used) free(request);
        begin(base);
    }

    private void begin(int base) {
        ring.reset(base);
        asleep = false;
        kickDue = false;
    }
}
