package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * One connection of a front-end, as a state machine: messages and descriptors in, replies out, what they mean to a
 * {@link VhostUserBackend}. It knows no socket. Here a message is checked as such, obeyed by whom it concerns, and
 * answered. Thread: one.
 *
 * <p>A message that is refused changes nothing, but for one case: a vring that is complete and cannot start loses its
 * kick.
 */
public final class Session implements AutoCloseable {
    /** Bits of vhost-user's own, which the device never sees. */
    private static final long OWN_FEATURES = ProtocolFeatures.NEGOTIABLE | ProtocolFeatures.LOG_ALL;

    private final VhostUserBackend backend;
    private final BackendLink link;
    private final Negotiation negotiation = new Negotiation();
    private final VringMessages vrings;
    private final MemoryMessages memory;
    private final LogMessages logs;
    private final InflightMessages inflight;
    private final DeviceStateMessages deviceState;
    private final DeviceStatus status = new DeviceStatus();
    private boolean closed;

    public Session(VhostUserBackend backend, BackendLink link) {
        this.backend = backend;
        this.link = link;
        MemoryTable empty = MemoryTable.empty();
        vrings = new VringMessages(backend, link, negotiation, empty);
        memory = new MemoryMessages(backend, vrings, empty);
        logs = new LogMessages(vrings);
        inflight = new InflightMessages(vrings);
        deviceState = new DeviceStateMessages(backend);
    }

    /**
     * What to do after a message.
     *
     * @param reply header and payload to send, or null
     * @param file to be sent with the reply, or null; the receiver's to close
     * @param refused why the message was not obeyed although the connection goes on; null when it was obeyed
     */
    public record Answer(byte[] reply, Fd file, VhostUserException refused) {
        private Answer(byte[] reply, VhostUserException refused) {
            this(reply, null, refused);
        }
    }

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
                if (type == MessageType.GET_INFLIGHT_FD) {
                    InflightMessages.Made made = inflight.getInflightFd(payload);
                    return new Answer(made.reply(), made.file(), null);
                }
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
        if (!negotiation.has(type.needs()))
            throw new VhostUserException(Fault.NOT_NEGOTIATED, type + " was not negotiated");
    }

    /**
     * All but {@link #kicks} that it takes to bring a session of another process to where this one is, in an order in which it
     * is obeyed. Nothing runs in that session until it hears the kicks. Descriptors stay this session's.
     *
     * @throws IllegalStateException it cannot be brought there now
     */
    public List<Said> said() {
        List<Said> said = new ArrayList<>();
        if (negotiation.protocolFeatures != 0)
            said.add(Said.u64(MessageType.SET_PROTOCOL_FEATURES, negotiation.protocolFeatures));
        if (negotiation.featuresAccepted) said.add(Said.u64(MessageType.SET_FEATURES, negotiation.features));
        if (status.value() != 0) said.add(Said.u64(MessageType.SET_STATUS, status.value()));
        // Before the memory: the addresses of a vring that does not run may be of a memory table that is gone.
        vrings.said(said);
        logs.said(said);
        memory.said(said);
        inflight.said(said);
        deviceState.said(said);
        said.removeIf(message -> !negotiation.has(message.type().needs()));
        return said;
    }

    /** What lets vrings run in a session that has heard the rest. */
    public List<Said> kicks() {
        return vrings.kicks();
    }

    /** Where each vring is. Nothing is in flight of those that run, and the device takes nothing. */
    public List<VringPosition> positions() {
        return vrings.positions();
    }

    /**
     * Hears what another session answered; its descriptors are kept or closed.
     *
     * @throws VhostUserException it cannot be obeyed here
     */
    public void hear(Said message) {
        MessageHeader header =
                new MessageHeader(message.type().id(), VhostUserLayout.FLAG_VERSION, message.payload().length);
        Answer answer = handle(header, message.payload(), new ArrayList<>(message.fds()));
        if (answer.refused() != null) throw answer.refused();
    }

    /** @throws VhostUserException there is no such vring */
    public void place(VringPosition position) {
        vrings.place(position);
    }

    /** Calls the driver of every vring that runs: whoever served it before may not have come to it. */
    public void callAll() {
        vrings.callAll();
    }

    private byte[] obey(MessageType type, byte[] payload, List<Fd> fds) {
        return switch (type) {
            case GET_FEATURES -> Payload.replyU64(type.id(), offeredFeatures());
            case GET_PROTOCOL_FEATURES -> Payload.replyU64(type.id(), ProtocolFeatures.OFFERED);
            case GET_QUEUE_NUM -> Payload.replyU64(type.id(), vrings.count());
            case GET_MAX_MEM_SLOTS -> Payload.replyU64(type.id(), MemoryTable.SLOTS_MAX);
            case GET_STATUS -> Payload.replyU64(type.id(), status.value());
            case GET_CONFIG -> getConfig(payload);
            case GET_VRING_BASE -> vrings.getBase(payload);
            case SET_DEVICE_STATE_FD -> suspended(type, () -> deviceState.setFd(payload, fds));
            case CHECK_DEVICE_STATE -> suspended(type, deviceState::check);
            case SET_FEATURES -> done(() -> setFeatures(Payload.i64(payload, 0)));
            case SET_PROTOCOL_FEATURES -> done(() -> setProtocolFeatures(Payload.i64(payload, 0)));
            // RESET_OWNER once meant several things; the document asks to ignore it.
            case SET_OWNER, RESET_OWNER -> null;
            case RESET_DEVICE -> done(this::resetDevice);
            case SET_STATUS -> done(() -> setStatus(DeviceStatus.check(Payload.i64(payload, 0))));
            case SET_MEM_TABLE -> done(() -> memory.setMemTable(payload, fds));
            case ADD_MEM_REG -> done(() -> memory.addMemReg(payload, fds));
            case REM_MEM_REG -> done(() -> memory.remMemReg(payload));
            case SET_LOG_BASE -> logs.setLogBase(payload, fds);
            case GET_INFLIGHT_FD -> throw new AssertionError("it has a reply of its own kind");
            case SET_INFLIGHT_FD -> done(() -> inflight.setInflightFd(payload, fds));
            case SET_LOG_FD -> done(() -> logs.setLogFd(fds));
            case SET_VRING_NUM -> done(() -> vrings.setNum(payload));
            case SET_VRING_ADDR -> done(() -> vrings.setAddr(payload));
            case SET_VRING_BASE -> done(() -> vrings.setBase(payload));
            case SET_VRING_ENABLE -> done(() -> vrings.setEnable(payload));
            case SET_VRING_KICK -> done(() -> vrings.setKick(payload, fds));
            case SET_VRING_CALL -> done(() -> vrings.setCall(payload, fds));
            case SET_VRING_ERR -> done(() -> vrings.setErr(payload, fds));
            case VRING_KICK -> done(() -> vrings.kick(payload));
            case SET_BACKEND_REQ_FD -> done(() -> setBackendReqFd(fds));
            case SET_CONFIG -> done(() -> setConfig(payload));
        };
    }

    /** A request without a reply of its own. */
    private static byte[] done(Runnable action) {
        action.run();
        return null;
    }

    private byte[] suspended(MessageType type, Supplier<byte[]> action) {
        if (vrings.anyRuns()) throw new VhostUserException(Fault.VRING_RUNNING, type + " while a vring runs");
        return action.get();
    }

    private boolean wantsReply(MessageHeader header) {
        return header.needsReply() && negotiation.has(ProtocolFeatures.REPLY_ACK);
    }

    private static byte[] acknowledgement(MessageHeader header, long error) {
        return Payload.replyU64(header.request(), error);
    }

    private Answer refuse(MessageType type, MessageHeader header, VhostUserException refused) {
        if (type == MessageType.GET_CONFIG && refused.fault() == Fault.CONFIG)
            return new Answer(Payload.reply(header.request(), 0), refused);
        if (type == MessageType.SET_DEVICE_STATE_FD && negotiation.has(type.needs()))
            return new Answer(Payload.replyU64(header.request(), VhostUserLayout.DEVICE_STATE_NO_FD | 1), refused);
        if (type == MessageType.CHECK_DEVICE_STATE && negotiation.has(type.needs()))
            return new Answer(acknowledgement(header, 1), refused);
        if (wantsReply(header) && (type == null || !type.hasReply())) return new Answer(acknowledgement(header, 1), refused);
        // The guest can cause this one through an honest front-end, which should not lose its disk for it.
        if (type == MessageType.SET_CONFIG && refused.fault() == Fault.CONFIG) return new Answer(null, refused);
        throw refused;
    }

    private long offeredFeatures() {
        return backend.offeredFeatures() | OWN_FEATURES;
    }

    private void setFeatures(long accepted) {
        long unoffered = accepted & ~offeredFeatures();
        if (unoffered != 0)
            throw new VhostUserException(Fault.FEATURES, "features 0x%x were not offered".formatted(unoffered));
        if (negotiation.featuresAccepted && ((accepted ^ negotiation.features) & ~ProtocolFeatures.LOG_ALL) == 0) {
            // Front-ends switch logging alone while the guest runs.
            vrings.switchLogging(accepted);
            return;
        }
        if (vrings.anyRuns()) {
            throw new VhostUserException(Fault.VRING_RUNNING,
                    "features change from 0x%x to 0x%x while a vring runs".formatted(negotiation.features, accepted));
        }
        backend.acceptFeatures(accepted & ~OWN_FEATURES);
        negotiation.featuresAccepted = true;
        vrings.switchLogging(accepted);
    }

    private void setProtocolFeatures(long accepted) {
        long unoffered = accepted & ~ProtocolFeatures.OFFERED;
        if (unoffered != 0)
            throw new VhostUserException(Fault.FEATURES, "protocol features 0x%x were not offered".formatted(unoffered));
        boolean inband = (accepted & ProtocolFeatures.INBAND_NOTIFICATIONS) != 0;
        if (inband && (accepted & ProtocolFeatures.INBAND_NEEDS) != ProtocolFeatures.INBAND_NEEDS)
            throw new VhostUserException(Fault.FEATURES, "INBAND_NOTIFICATIONS without BACKEND_REQ and REPLY_ACK");
        boolean suspends = (accepted & ProtocolFeatures.GET_VRING_BASE_INFLIGHT) != 0;
        if (suspends && (accepted & ProtocolFeatures.INFLIGHT_SHMFD) == 0)
            throw new VhostUserException(Fault.FEATURES, "GET_VRING_BASE_INFLIGHT without INFLIGHT_SHMFD");
        negotiation.protocolFeatures = accepted;
    }

    /** Status 0 is a reset (virtio 1.3, 2.1.2), and also what QEMU says whenever it has stopped a device: rings only stop. */
    private void setStatus(int value) {
        if (value == 0) vrings.stopAll();
        status.set(value, negotiation.featuresAccepted);
    }

    /** The driver starts over. What the two programs agreed on stays: memory, channel, protocol features. */
    private void resetDevice() {
        vrings.reset();
        negotiation.resetDriver();
        vrings.switchLogging(0);
        status.set(0, false);
        backend.reset();
    }

    private void setBackendReqFd(List<Fd> fds) {
        String wrong = UnixSocket.whyNotConnected(fds.getFirst());
        if (wrong != null) throw new VhostUserException(Fault.DESCRIPTOR_KIND, "the back-end channel " + wrong);
        link.connect(fds.removeFirst(), negotiation.protocolFeatures);
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

    /**
     * The connection is over: stops what runs, tells the back-end, closes every descriptor. A second call does nothing.
     * What the back-end throws does not keep it from the rest, and is thrown at the end.
     */
    @Override
    public void close() {
        if (closed) return;
        closed = true;
        RuntimeException failure = null;
        failure = attempt(vrings::end, failure);
        failure = attempt(backend::disconnected, failure);
        vrings.close();
        logs.close();
        inflight.close();
        deviceState.close();
        memory.close();
        if (failure != null) throw failure;
    }

    static RuntimeException attempt(Runnable action, RuntimeException earlier) {
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
