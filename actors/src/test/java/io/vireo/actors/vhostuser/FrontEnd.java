package io.vireo.actors.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memfd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.MessageType;
import io.vireo.virtio.vhostuser.ProtocolFeatures;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The other end of the socket, for tests: sends what it is told and reads replies. */
final class FrontEnd implements AutoCloseable {
    static final String MEMORY_NAME = "vireo-server-test";
    private static final long USER = 0x7f00_0000_0000L;
    private static final int MEMORY_BYTES = 1 << 16;

    private final UnixSocket socket;
    private final NativeBlock block = NativeBlock.allocate(8192, 8);

    FrontEnd(Path path) {
        this(UnixSocket.connect(path));
    }

    FrontEnd(UnixSocket socket) {
        this.socket = socket;
    }

    void send(MessageType type, byte[] payload, Fd... fds) {
        raw(message(type.id(), VhostUserLayout.FLAG_VERSION, payload), fds);
    }

    /** Sends, and closes the descriptors on this side. */
    void raw(byte[] bytes, Fd... fds) {
        int[] numbers = new int[fds.length];
        for (int i = 0; i < fds.length; i++) numbers[i] = fds[i].number();
        Memory.copy(bytes, 0, block.address(), bytes.length);
        try {
            socket.send(block.address(), bytes.length, numbers);
        } finally {
            for (Fd fd : fds) fd.close();
        }
    }

    long ask(MessageType type, byte[] payload) {
        raw(message(type.id(), VhostUserLayout.FLAG_VERSION | VhostUserLayout.FLAG_NEED_REPLY, payload));
        return reply(type.id());
    }

    long reply(int request) {
        List<Fd> none = new ArrayList<>();
        assertEquals(20, socket.receiveFully(block.address(), 20, none), "a reply of 20 bytes");
        assertEquals(request, Memory.getInt(block.address()));
        assertEquals(5, Memory.getInt(block.address() + 4));
        return Memory.getLong(block.address() + 12);
    }

    /** Blocks until the server has hung up; false when it says something instead. */
    boolean awaitEnd() {
        try {
            return socket.receive(block.address(), 1, new ArrayList<>()) == 0;
        } catch (PosixException e) {
            return true;
        }
    }

    void negotiate() {
        send(MessageType.SET_PROTOCOL_FEATURES, u64(ask(MessageType.GET_PROTOCOL_FEATURES, new byte[0])));
        send(MessageType.SET_FEATURES, u64(ask(MessageType.GET_FEATURES, new byte[0]) & ~ProtocolFeatures.LOG_ALL));
    }

    /** Gives memory and everything vring 0 needs, and returns once it runs. */
    void startVring() {
        describeVring();
        send(MessageType.SET_VRING_CALL, u64(0), EventFd.create().fd());
        send(MessageType.SET_VRING_KICK, u64(0), EventFd.create().fd());
        assertEquals(0, ask(MessageType.SET_VRING_ENABLE, state(0, 1)));
    }

    /** As {@link #startVring}, without any eventfd. */
    void startInbandVring() {
        describeVring();
        assertEquals(0, ask(MessageType.SET_VRING_ENABLE, state(0, 1)));
        assertEquals(0, ask(MessageType.VRING_KICK, state(0, 0)));
    }

    private void describeVring() {
        ByteBuffer table = buffer(40).putInt(1).putInt(0).putLong(0).putLong(MEMORY_BYTES).putLong(USER).putLong(0);
        send(MessageType.SET_MEM_TABLE, table.array(), Memfd.create(MEMORY_NAME, MEMORY_BYTES));
        send(MessageType.SET_VRING_NUM, state(0, 16));
        ByteBuffer addresses = buffer(40).putInt(0).putInt(0).putLong(USER).putLong(USER + 8192).putLong(USER + 4096);
        send(MessageType.SET_VRING_ADDR, addresses.array());
    }

    /** Our end of a channel for the back-end's requests; it has been given the other. */
    FrontEnd channel(Path folder) {
        Path path = folder.resolve("channel.sock");
        try (UnixSocket listening = UnixSocket.listen(path, 1)) {
            FrontEnd ours = new FrontEnd(path);
            // Only its descriptor is closed on this side: UnixSocket.close would end the connection for both.
            send(MessageType.SET_BACKEND_REQ_FD, new byte[0], listening.accept().fd());
            return ours;
        } finally {
            path.toFile().delete();
        }
    }

    /** What arrives next, of that length. */
    byte[] receive(int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        assertEquals(lengthBytes, socket.receiveFully(block.address(), lengthBytes, new ArrayList<>()));
        Memory.copy(block.address(), bytes, 0, lengthBytes);
        return bytes;
    }

    static byte[] message(int request, int flags, byte[] payload) {
        return buffer(12 + payload.length).putInt(request).putInt(flags).putInt(payload.length).put(payload).array();
    }

    static byte[] u64(long value) {
        return buffer(8).putLong(value).array();
    }

    static byte[] state(int index, int num) {
        return buffer(8).putInt(index).putInt(num).array();
    }

    private static ByteBuffer buffer(int sizeBytes) {
        return ByteBuffer.allocate(sizeBytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {
        socket.close();
        block.close();
    }
}
