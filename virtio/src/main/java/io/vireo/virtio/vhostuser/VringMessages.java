package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueLayout;
import io.vireo.virtio.vhostuser.VhostUserBackend.Failed;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.Arrays;
import java.util.List;

/**
 * The messages about vrings, and which of them run: a vring runs while features, memory, size, addresses and kick are
 * known and it is enabled. The document lets it start at the first kick; it starts at once instead, as other back-ends
 * do, since looking at an idle ring harms nobody. One whose writes are to be logged starts, and runs, only with a log
 * that has room for them. Thread: the session's.
 */
final class VringMessages implements AutoCloseable {
    private static final int ENTRIES_PER_VRING = 1024;

    private final VhostUserBackend backend;
    private final Negotiation negotiation;
    private final Vring[] vrings;
    /** The memory messages' own, who replaces it by {@link #useMemory}. */
    private MemoryTable memory;
    /** The log messages' own; null before there is one. */
    private DirtyLog log;
    /** The in-flight messages' own; null before there is one. */
    private InflightRegion inflight;
    /** What the back-end was told to mark writes in. */
    private DirtyLog logInUse;

    VringMessages(VhostUserBackend backend, BackendLink link, Negotiation negotiation, MemoryTable memory) {
        this.backend = backend;
        this.negotiation = negotiation;
        this.memory = memory;
        vrings = new Vring[backend.queueCountMax()];
        for (int i = 0; i < vrings.length; i++) vrings[i] = new Vring(i, link);
    }

    int count() {
        return vrings.length;
    }

    void setNum(byte[] payload) {
        Vring vring = stoppedVring(MessageType.SET_VRING_NUM, Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        int size = Payload.i32(payload, VhostUserLayout.STATE_NUM);
        requireSize(vring, size);
        requireRoom(vring, size);
        vring.size = size;
        startIfReady(vring);
    }

    void setBase(byte[] payload) {
        Vring vring = stoppedVring(MessageType.SET_VRING_BASE, Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        int base = Payload.i32(payload, VhostUserLayout.STATE_NUM);
        // Of a packed ring it can only be judged beside the size, which may come later.
        if (format() == RingFormat.SPLIT) requireBase(vring, base);
        // DPDK's front-ends leave the upper half out. Nothing is in flight at a start: both halves are the same.
        vring.base = format() == RingFormat.PACKED && base >>> 16 == 0 ? base | base << 16 : base;
    }

    void setAddr(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.ADDR_INDEX));
        VringAddresses addresses = VringAddresses.read(payload);
        if (addresses.equals(vring.addresses)) return;
        if (vring.running && addresses.samePlace(vring.addresses)) {
            requireLogged(vring, addresses, memory, log);
            vring.addresses = addresses;
            backend.logUsed(vring.index, usedLog(vring));
            return;
        }
        requireStopped(MessageType.SET_VRING_ADDR, vring);
        // What is not known yet is checked when the vring starts, which it cannot without.
        if (vring.size > 0 && !memory.isEmpty()) memory.translate(addresses, format(), vring.size);
        vring.addresses = addresses;
        startIfReady(vring);
    }

    void setEnable(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        long enable = Payload.u32(payload, VhostUserLayout.STATE_NUM);
        vring.enabled = enable != 0 ? Vring.Enabled.YES : Vring.Enabled.NO;
        if (enable == 0) stop(vring, ofFailed());
        else startIfReady(vring);
    }

    byte[] getBase(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        end(vring, ofFailed());
        return Payload.replyState(MessageType.GET_VRING_BASE.id(), vring.index, vring.base(format()));
    }

    void setKick(byte[] payload, List<Fd> fds) {
        Vring vring = describedVring(payload);
        EventFd kick = takeEventFd(payload, fds);
        if (kick == null) {
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT,
                    "vring " + vring.index + " without a kick: polling for ever is not supported");
        }
        stop(vring, ofFailed());
        vring.replaceKick(kick);
        startIfReady(vring);
    }

    void setCall(byte[] payload, List<Fd> fds) {
        Vring vring = describedVring(payload);
        EventFd call = takeEventFd(payload, fds);
        if (vring.running) backend.setCall(vring.index, call);
        vring.call.replace(call);
        // What the one before was told nobody may have heard: a front-end swaps them while the guest waits.
        if (call != null) call.signal();
    }

    void setErr(byte[] payload, List<Fd> fds) {
        Vring vring = describedVring(payload);
        EventFd err = takeEventFd(payload, fds);
        if (vring.running) backend.setErr(vring.index, err);
        vring.err.replace(err);
    }

    /** VRING_KICK: one that comes as a message starts the vring too, and then reaches it as any other. */
    void kick(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        long reserved = Payload.u32(payload, VhostUserLayout.STATE_NUM);
        if (reserved != 0) throw new VhostUserException(Fault.RESERVED, "VRING_KICK with " + reserved + " instead of 0");
        if (vring.kick == null) vring.replaceKick(EventFd.create());
        startIfReady(vring);
        vring.kick.signal();
    }

    boolean anyRuns() {
        for (Vring vring : vrings) if (vring.running) return true;
        return false;
    }

    /** Where in {@code next} the vrings lie that run, by index; null for the others. */
    VirtqueueAreas[] translate(MemoryTable next) {
        VirtqueueAreas[] areas = new VirtqueueAreas[vrings.length];
        for (Vring vring : vrings) {
            if (!vring.running) continue;
            areas[vring.index] = next.translate(vring.addresses, format(), vring.size);
            requireLogged(vring, vring.addresses, next, log);
        }
        return areas;
    }

    /** Goes over to another log, or refuses it; nobody uses the one before when this returns. Starts nothing. */
    void useLog(DirtyLog next) {
        for (Vring vring : vrings) if (vring.running) requireLogged(vring, vring.addresses, memory, next);
        log = next;
        for (Vring vring : vrings) {
            if (vring.running && vring.addresses.logsUsed()) backend.logUsed(vring.index, usedLog(vring));
        }
        logWrites();
    }

    /** Takes on features, of which LOG_ALL may differ while vrings run. */
    void switchLogging(long features) {
        long before = negotiation.features;
        negotiation.features = features;
        try {
            for (Vring vring : vrings) if (vring.running) requireLogged(vring, vring.addresses, memory, log);
        } catch (VhostUserException e) {
            negotiation.features = before;
            throw e;
        }
        logWrites();
        startReady();
    }

    private void logWrites() {
        DirtyLog wanted = negotiation.logsAll() ? log : null;
        if (wanted == logInUse) return;
        backend.logWrites(wanted);
        logInUse = wanted;
    }

    private void requireLogged(Vring vring, VringAddresses addresses, MemoryTable table, DirtyLog in) {
        if (!isLogged(vring, addresses, table, in))
            throw new VhostUserException(Fault.LOG, "the log has no room for what vring " + vring.index + " writes");
    }

    /** @param table which the addresses were translated by */
    private boolean isLogged(Vring vring, VringAddresses addresses, MemoryTable table, DirtyLog in) {
        if (negotiation.logsAll() && (in == null || !table.isCoveredBy(in))) return false;
        if (!logsUsed(addresses)) return true;
        return in != null
                && format().isLoggedBy(in, vring.size, table.gpa(addresses.descriptor()), addresses.log());
    }

    private boolean logsUsed(VringAddresses addresses) {
        return addresses.logsUsed() && negotiation.has(ProtocolFeatures.LOG_SHMFD);
    }

    private UsedLog usedLog(Vring vring) {
        if (!logsUsed(vring.addresses)) return null;
        return new UsedLog(log, memory.gpa(vring.addresses.descriptor()), vring.addresses.log());
    }

    /** Has what is in flight written down elsewhere from the next start of a vring on. */
    void useInflight(InflightRegion next) {
        if (anyRuns()) throw new VhostUserException(Fault.VRING_RUNNING, "another in-flight region while a vring runs");
        inflight = next;
        for (Vring vring : vrings) vring.stoppedAt = null;
    }

    void useMemory(MemoryTable next) {
        memory = next;
        // A descriptor area may be elsewhere for the guest now, though not for the front-end.
        for (Vring vring : vrings) {
            if (vring.running && logsUsed(vring.addresses)) backend.logUsed(vring.index, usedLog(vring));
        }
        startReady();
    }

    void startReady() {
        for (Vring vring : vrings) startIfReady(vring);
    }

    /** Stops them all until their next kick. */
    void stopAll() {
        for (Vring vring : vrings) end(vring, Failed.ANSWER);
    }

    void reset() {
        stopAll();
        for (Vring vring : vrings) vring.reset();
        if (inflight != null) inflight.forget(format());
    }

    /** Stops a vring until its next kick. With the last one of a guest on the move, the disk is handed over. */
    private void end(Vring vring, Failed failed) {
        // By now a front-end may have disabled it; that it has a kick says that it was to run.
        boolean hadKick = vring.kick != null;
        stop(vring, failed);
        vring.replaceKick(null);
        if (hadKick && !anyHasKick() && negotiation.logsAll()) backend.handOver();
    }

    private boolean anyHasKick() {
        for (Vring vring : vrings) if (vring.kick != null) return true;
        return false;
    }

    private Vring vring(long index) {
        if (index >= vrings.length)
            throw new VhostUserException(Fault.VRING_INDEX, "vring %d of %d".formatted(index, vrings.length));
        return vrings[(int) index];
    }

    private Vring describedVring(byte[] payload) {
        return vring(Payload.i64(payload, 0) & VhostUserLayout.VRING_INDEX_MASK);
    }

    private Vring stoppedVring(MessageType type, long index) {
        Vring vring = vring(index);
        requireStopped(type, vring);
        return vring;
    }

    private static void requireStopped(MessageType type, Vring vring) {
        if (vring.running) throw new VhostUserException(Fault.VRING_RUNNING, type + " while vring " + vring.index + " runs");
    }

    RingFormat format() {
        return RingFormat.of(negotiation.features);
    }

    private void requireSize(Vring vring, int size) {
        if (!format().isValidSize(size)) {
            throw new VhostUserException(Fault.VRING_SIZE,
                    "%s vring %d of size %s".formatted(format(), vring.index, Integer.toUnsignedString(size)));
        }
    }

    /** Each entry costs heap: there is room for every vring at the length of QEMU's longest, or for one of the longest. */
    private void requireRoom(Vring vring, int size) {
        int max = Math.max(VirtqueueLayout.SIZE_MAX, ENTRIES_PER_VRING * vrings.length);
        int sum = size;
        for (Vring other : vrings) if (other != vring) sum += other.size;
        if (sum > max)
            throw new VhostUserException(Fault.VRING_SIZE, "vrings of " + sum + " entries in all; there may be " + max);
    }

    private void requireBase(Vring vring, int base) {
        if (!format().isValidBase(vring.size, base)) {
            throw new VhostUserException(Fault.VRING_BASE,
                    "%s vring %d at 0x%x".formatted(format(), vring.index, base));
        }
    }

    /** The message's eventfd, which leaves {@code fds}; null when the message says that there is none. */
    private static EventFd takeEventFd(byte[] payload, List<Fd> fds) {
        boolean announced = (Payload.i64(payload, 0) & VhostUserLayout.VRING_NO_FD) == 0;
        if (announced == fds.isEmpty()) {
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT,
                    (announced ? "a descriptor is announced" : "no descriptor is announced") + " and there are " + fds.size());
        }
        if (!announced) return null;
        EventFd event = EventDescriptor.accept(fds.getFirst());
        fds.removeFirst();
        return event;
    }

    private void startIfReady(Vring vring) {
        if (vring.running || !negotiation.featuresAccepted || !isEnabled(vring)) return;
        if (memory.isEmpty() || vring.size == 0 || vring.addresses == null || vring.kick == null) return;
        VirtqueueAreas areas;
        InflightArea area;
        int base = vring.base(format());
        try {
            // Size and base may have come before the features that say how they are meant.
            requireSize(vring, vring.size);
            area = inflightArea(vring);
            if (area == null || !area.isBegun()) requireBase(vring, base);
            areas = memory.translate(vring.addresses, format(), vring.size);
        } catch (VhostUserException e) {
            vring.replaceKick(null);
            throw e;
        }
        if (!isLogged(vring, vring.addresses, memory, log)) return;
        if (negotiation.has(ProtocolFeatures.INBAND_NOTIFICATIONS)) {
            vring.call.sendInband();
            vring.err.sendInband();
        }
        try {
            backend.startVring(vring.index, new VringSetup(
                    vring.size, areas, base, vring.kick, vring.call.get(), vring.err.get(), usedLog(vring), area));
        } catch (VhostUserException e) {
            vring.replaceKick(null);
            throw e;
        }
        vring.running = true;
    }

    /** Null when nobody wants to know what is in flight. */
    private InflightArea inflightArea(Vring vring) {
        if (inflight == null) return null;
        InflightArea area = inflight.area(vring.index, format(), vring.size);
        if (vring.stoppedAt != null && vring.stoppedAt != vring.base(format())) area.forget();
        return area;
    }

    private boolean isEnabled(Vring vring) {
        return switch (vring.enabled) {
            case YES -> true;
            case NO -> false;
            case UNSAID -> negotiation.vringsBeginEnabled();
        };
    }

    /** What a front-end wants that stops a vring and stays: all of it answered, unless it knows better. */
    private Failed ofFailed() {
        return negotiation.has(ProtocolFeatures.GET_VRING_BASE_INFLIGHT) ? Failed.SUSPEND : Failed.ANSWER;
    }

    /** As {@link Session#said}. */
    void said(List<Said> said) {
        for (Vring vring : vrings) {
            if (vring.size != 0) said.add(Said.state(MessageType.SET_VRING_NUM, vring.index, vring.size));
            if (vring.addresses != null)
                said.add(new Said(MessageType.SET_VRING_ADDR, vring.addresses.payload(vring.index), List.of()));
            if (vring.call.isSaid()) said.add(Said.event(MessageType.SET_VRING_CALL, vring.index, fd(vring.call.get())));
            if (vring.err.isSaid()) said.add(Said.event(MessageType.SET_VRING_ERR, vring.index, fd(vring.err.get())));
            if (vring.enabled != Vring.Enabled.UNSAID) {
                int enable = vring.enabled == Vring.Enabled.YES ? 1 : 0;
                said.add(Said.state(MessageType.SET_VRING_ENABLE, vring.index, enable));
            }
        }
    }

    private static Fd fd(EventFd event) {
        return event == null ? null : event.fd();
    }

    /** As {@link Session#kicks}. */
    List<Said> kicks() {
        return Arrays.stream(vrings).filter(vring -> vring.kick != null)
                .map(vring -> Said.event(MessageType.SET_VRING_KICK, vring.index, vring.kick.fd())).toList();
    }

    /** As {@link Session#positions}. */
    List<VringPosition> positions() {
        return Arrays.stream(vrings).map(vring -> vring.running
                ? new VringPosition(vring.index, backend.vringBase(vring.index), null)
                : new VringPosition(vring.index, vring.base, vring.stoppedAt)).toList();
    }

    /** As {@link Session#place}. */
    void place(VringPosition position) {
        Vring vring = vring(Integer.toUnsignedLong(position.index()));
        vring.base = position.base();
        vring.stoppedAt = position.stoppedAt();
    }

    /** As {@link Session#callAll}. */
    void callAll() {
        for (Vring vring : vrings) if (vring.running && vring.call.get() != null) vring.call.get().signal();
    }

    private void stop(Vring vring, Failed failed) {
        if (!vring.running) return;
        vring.base = vring.stoppedAt = backend.stopVring(vring.index, failed);
        vring.running = false;
    }

    /**
     * Stops what runs, and has nothing marked in the log any more, whatever the back-end throws; the first of that is
     * thrown at the end. Descriptors stay open.
     */
    void end() {
        RuntimeException failure = null;
        for (Vring vring : vrings) failure = Session.attempt(() -> stop(vring, Failed.SUSPEND), failure);
        // One that did not stop still has its requests come back some day, when the log is long gone.
        for (Vring vring : vrings) {
            if (vring.running && log != null)
                failure = Session.attempt(() -> backend.logUsed(vring.index, null), failure);
        }
        if (logInUse != null) failure = Session.attempt(() -> backend.logWrites(null), failure);
        if (failure != null) throw failure;
    }

    @Override
    public void close() {
        for (Vring vring : vrings) vring.close();
    }
}
