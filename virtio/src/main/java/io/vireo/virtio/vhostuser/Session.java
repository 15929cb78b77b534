package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.ArrayList;
import java.util.List;

/**
 * One connection of a front-end, as a state machine: messages and descriptors in, replies out, what they mean to a
 * {@link VhostUserBackend}. It knows no socket. Thread: one.
 *
 * <p>A message that is refused changes nothing, but for one case: a vring that is complete and cannot start loses its
 * kick. A vring runs while features, memory, size, addresses and kick are known and it is enabled. The document lets it
 * start at the first kick; it starts at once instead, as other back-ends do, since looking at an idle ring harms nobody.
 */
public final class Session implements AutoCloseable {
    private final VhostUserBackend backend;
    private final Vring[] vrings;
    private long protocolFeatures;
    private long features;
    private boolean featuresAccepted;
    private MemoryTable memory = MemoryTable.empty();
    private Fd channel;
    private boolean closed;

    public Session(VhostUserBackend backend) {
        this.backend = backend;
        vrings = new Vring[backend.queueCountMax()];
        for (int i = 0; i < vrings.length; i++) vrings[i] = new Vring(i);
    }

    /**
     * What to do after a message.
     *
     * @param reply header and payload to send, or null
     * @param refused why the message was not obeyed although the connection goes on; null when it was obeyed
     */
    public record Answer(byte[] reply, VhostUserException refused) {}

    /**
     * Obeys one message.
     *
     * @param payload exactly what the header announced
     * @param fds what came with it, in order; emptied: each is kept by the session or closed, whatever happens
     * @throws VhostUserException the message cannot be obeyed and the front-end cannot be told so: the connection must
     *     end. Any other exception comes from the back-end and means the same.
     */
    public Answer handle(MessageHeader header, byte[] payload, List<Fd> fds) {
        try {
            MessageType type = MessageType.of(header.request());
            try {
                check(type, header, payload, fds);
                byte[] reply = obey(type, payload, fds);
                return new Answer(reply == null && wantsReply(header) ? acknowledgement(header, 0) : reply, null);
            } catch (VhostUserException refused) {
                return refuse(type, header, refused);
            }
        } finally {
            fds.forEach(Fd::close);
            fds.clear();
        }
    }

    private void check(MessageType type, MessageHeader header, byte[] payload, List<Fd> fds) {
        if (type == null) {
            throw new VhostUserException(Fault.UNKNOWN_REQUEST,
                    "request " + Integer.toUnsignedString(header.request()) + " is not supported");
        }
        if (!type.acceptsPayload(payload.length))
            throw new VhostUserException(Fault.PAYLOAD_SIZE, type + " with " + payload.length + " bytes");
        if (!type.acceptsDescriptors(fds.size()))
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT, type + " with " + fds.size() + " descriptors");
        if ((protocolFeatures & type.needs()) != type.needs())
            throw new VhostUserException(Fault.NOT_NEGOTIATED, type + " was not negotiated");
    }

    private byte[] obey(MessageType type, byte[] payload, List<Fd> fds) {
        return switch (type) {
            case GET_FEATURES -> Payload.replyU64(type.id(), offeredFeatures());
            case GET_PROTOCOL_FEATURES -> Payload.replyU64(type.id(), ProtocolFeatures.OFFERED);
            case GET_QUEUE_NUM -> Payload.replyU64(type.id(), vrings.length);
            case GET_MAX_MEM_SLOTS -> Payload.replyU64(type.id(), MemoryTable.SLOTS_MAX);
            case GET_CONFIG -> getConfig(payload);
            case GET_VRING_BASE -> getVringBase(payload);
            case SET_FEATURES -> done(() -> setFeatures(Payload.i64(payload, 0)));
            case SET_PROTOCOL_FEATURES -> done(() -> setProtocolFeatures(Payload.i64(payload, 0)));
            // RESET_OWNER once meant several things; the document asks to ignore it.
            case SET_OWNER, RESET_OWNER -> null;
            case SET_MEM_TABLE -> done(() -> setMemTable(payload, fds));
            case ADD_MEM_REG -> done(() -> useMemory(memory.with(slot(payload), fds.getFirst())));
            case REM_MEM_REG -> done(() -> useMemory(memory.without(slot(payload))));
            case SET_VRING_NUM -> done(() -> setVringNum(payload));
            case SET_VRING_ADDR -> done(() -> setVringAddr(payload));
            case SET_VRING_BASE -> done(() -> setVringBase(payload));
            case SET_VRING_ENABLE -> done(() -> setVringEnable(payload));
            case SET_VRING_KICK -> done(() -> setVringKick(payload, fds));
            case SET_VRING_CALL -> done(() -> setVringCall(payload, fds));
            case SET_VRING_ERR -> done(() -> setVringErr(payload, fds));
            case SET_BACKEND_REQ_FD -> done(() -> setBackendChannel(fds));
            case SET_CONFIG -> done(() -> setConfig(payload));
        };
    }

    /** A request without a reply of its own. */
    private static byte[] done(Runnable action) {
        action.run();
        return null;
    }

    private boolean wantsReply(MessageHeader header) {
        return header.needsReply() && (protocolFeatures & ProtocolFeatures.REPLY_ACK) != 0;
    }

    private static byte[] acknowledgement(MessageHeader header, long error) {
        return Payload.replyU64(header.request(), error);
    }

    private Answer refuse(MessageType type, MessageHeader header, VhostUserException refused) {
        if (type == MessageType.GET_CONFIG && refused.fault() == Fault.CONFIG)
            return new Answer(Payload.reply(header.request(), 0), refused);
        if (wantsReply(header) && (type == null || !type.hasReply())) return new Answer(acknowledgement(header, 1), refused);
        // The guest can cause this one through an honest front-end, which should not lose its disk for it.
        if (type == MessageType.SET_CONFIG && refused.fault() == Fault.CONFIG) return new Answer(null, refused);
        throw refused;
    }

    private long offeredFeatures() {
        return backend.offeredFeatures() | ProtocolFeatures.NEGOTIABLE;
    }

    private void setFeatures(long accepted) {
        long unoffered = accepted & ~offeredFeatures();
        if (unoffered != 0)
            throw new VhostUserException(Fault.FEATURES, "features 0x%x were not offered".formatted(unoffered));
        if (featuresAccepted && accepted == features) return;
        for (Vring vring : vrings) {
            if (vring.running) {
                throw new VhostUserException(Fault.VRING_RUNNING,
                        "features change from 0x%x to 0x%x while vring %d runs".formatted(features, accepted, vring.index));
            }
        }
        backend.acceptFeatures(accepted & ~ProtocolFeatures.NEGOTIABLE);
        features = accepted;
        featuresAccepted = true;
        startReady();
    }

    private void setProtocolFeatures(long accepted) {
        long unoffered = accepted & ~ProtocolFeatures.OFFERED;
        if (unoffered != 0)
            throw new VhostUserException(Fault.FEATURES, "protocol features 0x%x were not offered".formatted(unoffered));
        protocolFeatures = accepted;
    }

    private void setMemTable(byte[] payload, List<Fd> fds) {
        long count = payload.length < VhostUserLayout.TABLE_REGIONS ? -1 : Payload.u32(payload, VhostUserLayout.TABLE_COUNT);
        // count is compared before it is multiplied, and 8 regions are the most
        if (count < 0 || count > VhostUserLayout.TABLE_REGIONS_MAX
                || payload.length != VhostUserLayout.TABLE_REGIONS + count * VhostUserLayout.REGION_BYTES) {
            throw new VhostUserException(Fault.PAYLOAD_SIZE,
                    "memory table of %d regions in %d bytes".formatted(count, payload.length));
        }
        if (count != fds.size()) {
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT,
                    "memory table of %d regions with %d descriptors".formatted(count, fds.size()));
        }
        List<RegionDescription> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(RegionDescription.read(payload, VhostUserLayout.TABLE_REGIONS + i * VhostUserLayout.REGION_BYTES));
        }
        useMemory(MemoryTable.of(regions, fds));
    }

    private static RegionDescription slot(byte[] payload) {
        return RegionDescription.read(payload, VhostUserLayout.SLOT_REGION);
    }

    private void useMemory(MemoryTable next) {
        VirtqueueAreas[] areas = new VirtqueueAreas[vrings.length];
        try {
            for (Vring vring : vrings) {
                if (vring.running) areas[vring.index] = next.translate(vring.addresses, format(), vring.size);
            }
        } catch (VhostUserException e) {
            next.close();
            throw e;
        }
        MemoryTable before = memory;
        memory = next;
        try {
            backend.useMemory(next.generation(), areas);
        } finally {
            before.close();
        }
        startReady();
    }

    private void setVringNum(byte[] payload) {
        Vring vring = stoppedVring(MessageType.SET_VRING_NUM, Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        int size = Payload.i32(payload, VhostUserLayout.STATE_NUM);
        requireSize(vring, size);
        vring.size = size;
        startIfReady(vring);
    }

    private void setVringBase(byte[] payload) {
        Vring vring = stoppedVring(MessageType.SET_VRING_BASE, Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        int base = Payload.i32(payload, VhostUserLayout.STATE_NUM);
        // Of a packed ring it can only be judged beside the size, which may come later.
        if (format() == RingFormat.SPLIT) requireBase(vring, base);
        vring.base = base;
    }

    private void setVringAddr(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.ADDR_INDEX));
        VringAddresses addresses = VringAddresses.read(payload);
        if (addresses.equals(vring.addresses)) return;
        requireStopped(MessageType.SET_VRING_ADDR, vring);
        // What is not known yet is checked when the vring starts, which it cannot without.
        if (vring.size > 0 && !memory.isEmpty()) memory.translate(addresses, format(), vring.size);
        vring.addresses = addresses;
        startIfReady(vring);
    }

    private void setVringEnable(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        long enable = Payload.u32(payload, VhostUserLayout.STATE_NUM);
        vring.enabled = enable != 0 ? Vring.Enabled.YES : Vring.Enabled.NO;
        if (enable == 0) stop(vring);
        else startIfReady(vring);
    }

    private byte[] getVringBase(byte[] payload) {
        Vring vring = vring(Payload.u32(payload, VhostUserLayout.STATE_INDEX));
        stop(vring);
        vring.replaceKick(null);
        return Payload.replyState(MessageType.GET_VRING_BASE.id(), vring.index, vring.base(format()));
    }

    private void setVringKick(byte[] payload, List<Fd> fds) {
        Vring vring = describedVring(payload);
        EventFd kick = takeEventFd(payload, fds);
        if (kick == null) {
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT,
                    "vring " + vring.index + " without a kick: polling for ever is not supported");
        }
        stop(vring);
        vring.replaceKick(kick);
        startIfReady(vring);
    }

    private void setVringCall(byte[] payload, List<Fd> fds) {
        Vring vring = describedVring(payload);
        EventFd call = takeEventFd(payload, fds);
        if (vring.running) backend.setCall(vring.index, call);
        vring.replaceCall(call);
        // What the one before was told nobody may have heard: a front-end swaps them while the guest waits.
        if (call != null) call.signal();
    }

    private void setVringErr(byte[] payload, List<Fd> fds) {
        Vring vring = describedVring(payload);
        EventFd err = takeEventFd(payload, fds);
        if (vring.running) backend.setErr(vring.index, err);
        vring.replaceErr(err);
    }

    private void setBackendChannel(List<Fd> fds) {
        FileStatus status = PosixFile.status(fds.getFirst());
        if (status.kind() != FileStatus.Kind.SOCKET)
            throw new VhostUserException(Fault.DESCRIPTOR_KIND, "back-end channel in a descriptor of kind " + status.kind());
        Fd before = channel;
        channel = fds.removeFirst();
        try {
            backend.backendChannel(channel);
        } finally {
            if (before != null) before.close();
        }
    }

    private byte[] getConfig(byte[] payload) {
        ConfigAccess access = ConfigAccess.read(payload);
        byte[] bytes = backend.readConfig(access.offset(), access.sizeBytes());
        byte[] reply = Payload.reply(MessageType.GET_CONFIG.id(), payload.length);
        System.arraycopy(payload, 0, reply, VhostUserLayout.HEADER_BYTES, VhostUserLayout.CONFIG_PAYLOAD);
        System.arraycopy(bytes, 0, reply, VhostUserLayout.HEADER_BYTES + VhostUserLayout.CONFIG_PAYLOAD, access.sizeBytes());
        return reply;
    }

    private void setConfig(byte[] payload) {
        ConfigAccess access = ConfigAccess.read(payload);
        byte[] bytes = new byte[access.sizeBytes()];
        System.arraycopy(payload, VhostUserLayout.CONFIG_PAYLOAD, bytes, 0, bytes.length);
        if (!backend.writeConfig(access.offset(), bytes)) {
            throw new VhostUserException(Fault.CONFIG,
                    "configuration bytes %d+%d cannot be written so".formatted(access.offset(), access.sizeBytes()));
        }
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

    private RingFormat format() {
        return RingFormat.of(features);
    }

    private void requireSize(Vring vring, int size) {
        if (!format().isValidSize(size)) {
            throw new VhostUserException(Fault.VRING_SIZE,
                    "%s vring %d of size %s".formatted(format(), vring.index, Integer.toUnsignedString(size)));
        }
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

    private void startReady() {
        for (Vring vring : vrings) startIfReady(vring);
    }

    private void startIfReady(Vring vring) {
        if (vring.running || !featuresAccepted || !isEnabled(vring)) return;
        if (memory.isEmpty() || vring.size == 0 || vring.addresses == null || vring.kick == null) return;
        VirtqueueAreas areas;
        int base = vring.base(format());
        try {
            // Size and base may have come before the features that say how they are meant.
            requireSize(vring, vring.size);
            requireBase(vring, base);
            areas = memory.translate(vring.addresses, format(), vring.size);
        } catch (VhostUserException e) {
            vring.replaceKick(null);
            throw e;
        }
        backend.startVring(vring.index,
                new VringSetup(vring.size, areas, base, vring.kick, vring.call, vring.err));
        vring.running = true;
    }

    private boolean isEnabled(Vring vring) {
        return switch (vring.enabled) {
            case YES -> true;
            case NO -> false;
            case UNSAID -> (features & ProtocolFeatures.NEGOTIABLE) == 0;
        };
    }

    private void stop(Vring vring) {
        if (!vring.running) return;
        vring.base = backend.stopVring(vring.index);
        vring.running = false;
    }

    /**
     * The connection is over: stops what runs, tells the back-end, closes every descriptor. A second call does nothing.
     * What the back-end throws does not keep it from the rest, and is thrown at the end.
     */
    @Override
    public void close() {
        if (closed) return;
        closed = true;
        RuntimeException failure = null;
        for (Vring vring : vrings) failure = attempt(() -> stop(vring), failure);
        failure = attempt(backend::disconnected, failure);
        for (Vring vring : vrings) vring.close();
        if (channel != null) channel.close();
        memory.close();
        if (failure != null) throw failure;
    }

    private static RuntimeException attempt(Runnable action, RuntimeException earlier) {
        try {
            action.run();
            return earlier;
        } catch (RuntimeException e) {
            if (earlier == null) return e;
            earlier.addSuppressed(e);
            return earlier;
        }
    }
}
