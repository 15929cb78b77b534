package io.vireo.virtio.driver;

import static io.vireo.virtio.vhostuser.VhostUserLayout.*;

import io.vireo.posix.Epoll;
import io.vireo.posix.Errno;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PeerCredentials;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.driver.FrontendException.Fault;
import io.vireo.virtio.vhostuser.MessageType;
import io.vireo.virtio.vhostuser.ProtocolFeatures;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The front-end's half of a vhost-user connection, message by message. Each method sends one message and waits for its
 * reply, or for its acknowledgement once REPLY_ACK was agreed on; {@link #send} and {@link #receive} send and take
 * anything at all. Thread: one at a time; {@link #shutdown} from any.
 *
 * <p>All but {@code shutdown} and {@code close} throw {@link FrontendException}.
 */
public final class VhostUserFrontend implements AutoCloseable {
    private static final int MESSAGE_BYTES_MAX = 64 << 10;
    private static final byte[] NOTHING = {};

    /** A message of the back-end; its descriptors are the receiver's to close. */
    public record Reply(int request, int flags, byte[] payload, List<Fd> fds) {
        long u64() {
            return little(U64_BYTES).getLong(0);
        }

        ByteBuffer little(int sizeBytes) {
            if (payload.length != sizeBytes)
                throw new FrontendException(Fault.WRONG_REPLY,
                        "reply to request " + request + " has " + payload.length + " bytes instead of " + sizeBytes);
            return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    private final UnixSocket socket;
    private final long timeoutNanos;
    private final Epoll epoll = Epoll.create(1);
    private final NativeBlock block = NativeBlock.allocate(HEADER_BYTES + MESSAGE_BYTES_MAX, 8);
    private boolean acknowledged;

    private VhostUserFrontend(UnixSocket socket, long timeoutNanos) {
        this.socket = socket;
        this.timeoutNanos = timeoutNanos;
        epoll.add(socket.fd(), Epoll.EPOLLIN, 0);
    }

    /** @param timeoutNanos how long to wait for any one answer */
    public static VhostUserFrontend connect(Path path, long timeoutNanos) {
        return over(UnixSocket.connect(path), timeoutNanos);
    }

    /** Takes a connected socket over. */
    public static VhostUserFrontend over(UnixSocket socket, long timeoutNanos) {
        return new VhostUserFrontend(socket, timeoutNanos);
    }

    /** Who the back-end is, by SO_PEERCRED. */
    public PeerCredentials peer() {
        return socket.peer();
    }

    public long getFeatures() {
        return ask(MessageType.GET_FEATURES, NOTHING).u64();
    }

    public void setFeatures(long features) {
        tell(MessageType.SET_FEATURES, VhostUserPayload.u64(features));
    }

    public void setOwner() {
        tell(MessageType.SET_OWNER, NOTHING);
    }

    public void resetOwner() {
        tell(MessageType.RESET_OWNER, NOTHING);
    }

    public long getProtocolFeatures() {
        return ask(MessageType.GET_PROTOCOL_FEATURES, NOTHING).u64();
    }

    /** With REPLY_ACK among them, every message after this one is acknowledged. */
    public void setProtocolFeatures(long features) {
        tell(MessageType.SET_PROTOCOL_FEATURES, VhostUserPayload.u64(features));
        acknowledged = (features & ProtocolFeatures.REPLY_ACK) != 0;
    }

    public int getQueueNum() {
        return Math.toIntExact(ask(MessageType.GET_QUEUE_NUM, NOTHING).u64());
    }

    public long getMaxMemSlots() {
        return ask(MessageType.GET_MAX_MEM_SLOTS, NOTHING).u64();
    }

    public void setMemTable(List<DriverMemory.Region> regions) {
        Fd[] fds = regions.stream().map(DriverMemory.Region::fd).toArray(Fd[]::new);
        tell(MessageType.SET_MEM_TABLE, VhostUserPayload.memTable(regions), fds);
    }

    public void addMemReg(DriverMemory.Region region) {
        tell(MessageType.ADD_MEM_REG, VhostUserPayload.slot(region), region.fd());
    }

    public void remMemReg(DriverMemory.Region region) {
        tell(MessageType.REM_MEM_REG, VhostUserPayload.slot(region));
    }

    public void setVringNum(int index, int size) {
        tell(MessageType.SET_VRING_NUM, VhostUserPayload.state(index, size));
    }

    public void setVringAddr(int index, DriverVirtqueue virtqueue) {
        tell(MessageType.SET_VRING_ADDR, VhostUserPayload.addresses(
                index, virtqueue.descriptorAddress(), virtqueue.driverAddress(), virtqueue.deviceAddress()));
    }

    /** As {@link #setVringAddr}; the pages of it that the device writes are marked in the log. */
    public void setLoggedVringAddr(int index, DriverVirtqueue virtqueue) {
        tell(MessageType.SET_VRING_ADDR, VhostUserPayload.loggedAddresses(index, virtqueue.descriptorAddress(),
                virtqueue.driverAddress(), virtqueue.deviceAddress(), virtqueue.deviceGpa()));
    }

    /** Where written pages are to be marked: {@code sizeBytes} bytes of a file, which stays the caller's. */
    public void setLogBase(long sizeBytes, long offset, Fd file) {
        send(MessageType.SET_LOG_BASE.id(), FLAG_VERSION, VhostUserPayload.logBase(sizeBytes, offset), file);
        long verdict = replyTo(MessageType.SET_LOG_BASE).u64();
        if (verdict != 0) throw new FrontendException(Fault.REFUSED, "SET_LOG_BASE was answered with " + verdict);
    }

    /** Memory that a back-end made to write down what is in flight; kept for those that come after it. */
    public record Inflight(Fd file, long sizeBytes, long offset, int queues, int queueSize) implements AutoCloseable {
        @Override
        public void close() {
            file.close();
        }
    }

    public Inflight getInflightFd(int queues, int queueSize) {
        send(MessageType.GET_INFLIGHT_FD.id(), FLAG_VERSION, VhostUserPayload.inflight(0, 0, queues, queueSize));
        Reply reply = check(MessageType.GET_INFLIGHT_FD, receive());
        ByteBuffer about = reply.little(INFLIGHT_BYTES);
        if (reply.fds().size() != 1)
            throw new FrontendException(Fault.WRONG_REPLY, "GET_INFLIGHT_FD with " + reply.fds().size() + " descriptors");
        return new Inflight(reply.fds().getFirst(), about.getLong(INFLIGHT_SIZE), about.getLong(INFLIGHT_OFFSET), queues,
                queueSize);
    }

    /** Hands the memory to a back-end; it stays the caller's. */
    public void setInflightFd(Inflight inflight) {
        tell(MessageType.SET_INFLIGHT_FD, VhostUserPayload.inflight(
                inflight.sizeBytes(), inflight.offset(), inflight.queues(), inflight.queueSize()), inflight.file());
    }

    public void setVringBase(int index, int availIndex) {
        tell(MessageType.SET_VRING_BASE, VhostUserPayload.state(index, availIndex));
    }

    /** Stops the ring; answers its next avail index. */
    public int getVringBase(int index) {
        return ask(MessageType.GET_VRING_BASE, VhostUserPayload.state(index, 0)).little(STATE_BYTES).getInt(STATE_NUM);
    }

    /** @param kick null: none, the ring is to be polled; so for the two others */
    public void setVringKick(int index, EventFd kick) {
        tellVringFd(MessageType.SET_VRING_KICK, index, kick);
    }

    public void setVringCall(int index, EventFd call) {
        tellVringFd(MessageType.SET_VRING_CALL, index, call);
    }

    public void setVringErr(int index, EventFd err) {
        tellVringFd(MessageType.SET_VRING_ERR, index, err);
    }

    public void enableVring(int index) {
        tell(MessageType.SET_VRING_ENABLE, VhostUserPayload.state(index, 1));
    }

    public void disableVring(int index) {
        tell(MessageType.SET_VRING_ENABLE, VhostUserPayload.state(index, 0));
    }

    /** Hands over the back-end's end of a connection for its own requests; the descriptor stays the caller's. */
    public void setBackendReqFd(Fd fd) {
        tell(MessageType.SET_BACKEND_REQ_FD, NOTHING, fd);
    }

    public byte[] getConfig(int offset, int sizeBytes) {
        Reply reply = ask(MessageType.GET_CONFIG, VhostUserPayload.config(offset, new byte[sizeBytes]));
        reply.little(CONFIG_PAYLOAD + sizeBytes); // a shorter one is how a back-end says no
        return Arrays.copyOfRange(reply.payload(), CONFIG_PAYLOAD, reply.payload().length);
    }

    public void setConfig(int offset, byte[] bytes) {
        tell(MessageType.SET_CONFIG, VhostUserPayload.config(offset, bytes));
    }

    /** Sends a message with whatever header and payload, and waits for nothing. */
    public void send(int request, int flags, byte[] payload, Fd... fds) {
        byte[] message = VhostUserPayload.buffer(HEADER_BYTES + payload.length)
                .putInt(HEADER_REQUEST, request)
                .putInt(HEADER_FLAGS, flags)
                .putInt(HEADER_SIZE, payload.length)
                .put(HEADER_BYTES, payload)
                .array();
        sendBytes(message, fds);
    }

    /** Sends bytes that need not be a message. */
    public void sendBytes(byte[] bytes, Fd... fds) {
        int[] numbers = Arrays.stream(fds).mapToInt(Fd::number).toArray();
        Memory.copy(bytes, 0, block.address(), bytes.length);
        try {
            socket.send(block.address(), bytes.length, numbers);
        } catch (PosixException e) {
            if (e.errno() != Errno.EPIPE && e.errno() != Errno.ECONNRESET) throw e;
            throw new FrontendException(Fault.CLOSED, "back-end is gone: " + e.getMessage());
        }
    }

    /** Takes the next message, whatever it is. */
    public Reply receive() {
        List<Fd> fds = new ArrayList<>();
        try {
            ByteBuffer header = ByteBuffer.wrap(receive(HEADER_BYTES, fds)).order(ByteOrder.LITTLE_ENDIAN);
            int size = header.getInt(HEADER_SIZE);
            if (size < 0 || size > MESSAGE_BYTES_MAX)
                throw new FrontendException(Fault.WRONG_REPLY, "reply says it has " + size + " bytes");
            byte[] payload = receive(size, fds);
            return new Reply(header.getInt(HEADER_REQUEST), header.getInt(HEADER_FLAGS), payload, fds);
        } catch (RuntimeException e) {
            fds.forEach(Fd::close);
            throw e;
        }
    }

    /** Whether the back-end ends the connection within the time, having said nothing more. */
    public boolean isClosedByBackend() {
        try {
            receive().fds().forEach(Fd::close);
            return false;
        } catch (FrontendException e) {
            return e.fault() == Fault.CLOSED;
        }
    }

    /** Ends the connection as seen by the back-end, and whatever waits here. */
    public void shutdown() {
        socket.shutdown();
    }

    @Override
    public void close() {
        socket.close();
        epoll.close();
        block.close();
    }

    private void tellVringFd(MessageType type, int index, EventFd fd) {
        if (fd == null) tell(type, VhostUserPayload.u64(index | VRING_NO_FD));
        else tell(type, VhostUserPayload.u64(index), fd.fd());
    }

    private void tell(MessageType type, byte[] payload, Fd... fds) {
        boolean wait = acknowledged;
        send(type.id(), wait ? FLAG_VERSION | FLAG_NEED_REPLY : FLAG_VERSION, payload, fds);
        if (!wait) return;
        long verdict = replyTo(type).u64();
        if (verdict != 0) throw new FrontendException(Fault.REFUSED, type + " was answered with " + verdict);
    }

    private Reply ask(MessageType type, byte[] payload) {
        send(type.id(), FLAG_VERSION, payload);
        return replyTo(type);
    }

    private Reply replyTo(MessageType type) {
        Reply reply = receive();
        reply.fds().forEach(Fd::close);
        return check(type, reply);
    }

    private static Reply check(MessageType type, Reply reply) {
        if (reply.request() != type.id() || reply.flags() != (FLAG_VERSION | FLAG_REPLY))
            throw new FrontendException(Fault.WRONG_REPLY, "%s was answered with request %d, flags 0x%x"
                    .formatted(type, reply.request(), reply.flags()));
        return reply;
    }

    private byte[] receive(int lengthBytes, List<Fd> fds) {
        byte[] bytes = new byte[lengthBytes];
        long deadline = System.nanoTime() + timeoutNanos;
        int done = 0;
        while (done < lengthBytes) {
            long rest = deadline - System.nanoTime();
            if (rest <= 0) throw new FrontendException(Fault.TIMEOUT, "no answer after " + timeoutNanos / 1_000_000 + " ms");
            if (epoll.await(rest) == 0) continue;
            int count = socket.receive(block.address(), lengthBytes - done, fds);
            if (count == 0)
                throw new FrontendException(Fault.CLOSED, "back-end ended the connection after " + done + " of "
                        + lengthBytes + " bytes");
            Memory.copy(block.address(), bytes, done, count);
            done += count;
        }
        return bytes;
    }
}
