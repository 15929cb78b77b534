package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memfd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The front-end's half of session tests: builds messages and knows what this process still has open. */
final class Peer {
    static final String MEMORY_NAME = "vireo-session-test";
    static final long GPA = 0x4000_0000L;
    static final long USER = 0x7f00_0000_0000L;
    static final long MEMORY_BYTES = 1 << 20;
    static final int RING_SIZE = 128;

    final RecordingBackend backend = new RecordingBackend();
    final RecordingLink link = new RecordingLink();
    final Session session = new Session(backend, link);

    Session.Answer send(MessageType type, byte[] payload, Fd... fds) {
        return send(type.id(), 0, payload, fds);
    }

    Session.Answer ask(MessageType type, byte[] payload, Fd... fds) {
        return send(type.id(), VhostUserLayout.FLAG_NEED_REPLY, payload, fds);
    }

    Session.Answer send(int request, int flags, byte[] payload, Fd... fds) {
        MessageHeader header = new MessageHeader(request, VhostUserLayout.FLAG_VERSION | flags, payload.length);
        return session.handle(header, payload, new ArrayList<>(List.of(fds)));
    }

    /** The u64 of a request that has one as its reply. */
    long get(MessageType type) {
        return u64(send(type, none()));
    }

    void negotiate() {
        send(MessageType.SET_PROTOCOL_FEATURES, u64(get(MessageType.GET_PROTOCOL_FEATURES)));
        send(MessageType.SET_OWNER, none());
        send(MessageType.SET_FEATURES, u64(get(MessageType.GET_FEATURES) & ~ProtocolFeatures.LOG_ALL));
    }

    void shareMemory() {
        send(MessageType.SET_MEM_TABLE, table(region(GPA, MEMORY_BYTES, USER, 0)), memory(MEMORY_BYTES));
    }

    /** All that vring {@code index} needs, enabled last. */
    void setUp(int index) {
        send(MessageType.SET_VRING_NUM, state(index, RING_SIZE));
        send(MessageType.SET_VRING_BASE, state(index, 0));
        send(MessageType.SET_VRING_ADDR, addresses(index, USER));
        send(MessageType.SET_VRING_CALL, u64(index), event());
        send(MessageType.SET_VRING_KICK, u64(index), event());
        send(MessageType.SET_VRING_ENABLE, state(index, 1));
    }

    static Fd event() {
        return EventFd.create().fd();
    }

    static Fd memory(long sizeBytes) {
        return Memfd.create(MEMORY_NAME, sizeBytes);
    }

    static byte[] none() {
        return new byte[0];
    }

    static byte[] u64(long value) {
        return buffer(8).putLong(value).array();
    }

    static byte[] state(int index, int num) {
        return buffer(8).putInt(index).putInt(num).array();
    }

    static byte[] logBase(long sizeBytes, long offset) {
        return buffer(VhostUserLayout.LOG_BYTES).putLong(sizeBytes).putLong(offset).array();
    }

    static byte[] inflight(long sizeBytes, long offset, int queues, int queueSize) {
        return buffer(VhostUserLayout.INFLIGHT_BYTES)
                .putLong(sizeBytes).putLong(offset).putShort((short) queues).putShort((short) queueSize).array();
    }

    /** As {@link #addresses(int, long)}, with the used ring's pages logged from {@code log} on. */
    static byte[] loggedAddresses(int index, long at, long log) {
        byte[] addresses = addresses(index, at);
        addresses[VhostUserLayout.ADDR_FLAGS] = 1;
        System.arraycopy(u64(log), 0, addresses, VhostUserLayout.ADDR_LOG, 8);
        return addresses;
    }

    /** Descriptor table at {@code at}, avail ring a page further, used ring two. */
    static byte[] addresses(int index, long at) {
        return addresses(index, at, at + 0x1000, at + 0x2000);
    }

    static byte[] addresses(int index, long descriptor, long available, long used) {
        return buffer(VhostUserLayout.ADDR_BYTES)
                .putInt(index).putInt(0).putLong(descriptor).putLong(used).putLong(available).putLong(0).array();
    }

    static byte[] region(long gpa, long sizeBytes, long user, long offset) {
        return buffer(VhostUserLayout.REGION_BYTES).putLong(gpa).putLong(sizeBytes).putLong(user).putLong(offset).array();
    }

    static byte[] table(byte[]... regions) {
        ByteBuffer table = buffer(VhostUserLayout.TABLE_REGIONS + regions.length * VhostUserLayout.REGION_BYTES);
        table.putInt(regions.length).putInt(0);
        for (byte[] region : regions) table.put(region);
        return table.array();
    }

    static byte[] slot(byte[] region) {
        return buffer(VhostUserLayout.SLOT_BYTES).putLong(0).put(region).array();
    }

    static byte[] config(int offset, int sizeBytes, int bytes) {
        return buffer(VhostUserLayout.CONFIG_PAYLOAD + bytes).putInt(offset).putInt(sizeBytes).putInt(0).array();
    }

    static int replySize(Session.Answer answer) {
        return ByteBuffer.wrap(answer.reply()).order(ByteOrder.LITTLE_ENDIAN).getInt(VhostUserLayout.HEADER_SIZE);
    }

    static long u64(Session.Answer answer) {
        return ByteBuffer.wrap(answer.reply()).order(ByteOrder.LITTLE_ENDIAN).getLong(VhostUserLayout.HEADER_BYTES);
    }

    static ByteBuffer buffer(int sizeBytes) {
        return ByteBuffer.allocate(sizeBytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Eventfds, sockets and this test's memory files that the process has open; others' descriptors come and go. */
    static long openDescriptors() {
        try (var links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(link -> {
                try {
                    String target = Files.readSymbolicLink(link).toString();
                    return target.equals("anon_inode:[eventfd]") || target.startsWith("socket:")
                            || target.contains(MEMORY_NAME);
                } catch (IOException _) {
                    return false;
                }
            }).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static long mappings() {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(line -> line.contains(MEMORY_NAME)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
