package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.vireo.posix.Fd;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Random messages, most of them nearly right so that they get deep. The back-end asserts the order it was promised; here:
 * nothing but refusals comes out, and everything is given back. {@code -Dvireo.seed=N} repeats a run,
 * {@code -Dvireo.soak=N} lengthens it.
 */
class SessionFuzzTest {
    private static final int MESSAGES = 120;
    private static final MessageType[] TYPES = MessageType.values();
    /** Without which no vring ever runs; the others stop and reset them often enough. */
    private static final MessageType[] SETUP = {
        MessageType.SET_FEATURES, MessageType.SET_MEM_TABLE, MessageType.SET_VRING_NUM, MessageType.SET_VRING_ADDR,
        MessageType.SET_VRING_KICK, MessageType.SET_VRING_ENABLE
    };
    private static final long[] EDGES = {
        0, 1, 2, 3, 4, 7, 8, 64, 128, 255, 256, 0x100, 4096, 32768, 65535, 65536, 1L << 30, 1L << 31, 0xFFFFFFFFL, 1L << 32, 1L << 63, -1
    };

    private final long seed = Long.getLong("vireo.seed", System.nanoTime());
    private final SplittableRandom random = new SplittableRandom(seed);

    @Test
    void survivesRandomSessions() {
        System.out.println("SessionFuzzTest seed " + seed);
        int sessions = 300 * Integer.getInteger("vireo.soak", 1);
        long descriptors = Peer.openDescriptors();
        int started = 0;
        int refused = 0;
        for (int i = 0; i < sessions; i++) {
            Peer peer = new Peer();
            if (random.nextInt(4) > 0) peer.negotiate();
            if (random.nextInt(2) > 0) peer.shareMemory();
            for (int message = 0; message < MESSAGES; message++) refused += step(peer);
            started += (int) peer.backend.calls.stream().filter(call -> call.startsWith("start")).count();
            peer.session.close();
            peer.link.close();
            assertTrue(peer.backend.gone);
            assertEquals(descriptors, Peer.openDescriptors(), "descriptors, session " + i + ", seed " + seed);
            assertEquals(0, Peer.mappings(), "mappings, session " + i + ", seed " + seed);
        }
        assertTrue(started > sessions / 10, "vrings started: " + started + ", seed " + seed);
        assertTrue(refused > sessions, "refusals: " + refused + ", seed " + seed);
    }

    private int step(Peer peer) {
        MessageType[] among = random.nextInt(3) > 0 ? TYPES : SETUP;
        MessageType type = among[random.nextInt(among.length)];
        int request = random.nextInt(50) == 0 ? random.nextInt() : type.id();
        byte[] payload = payload(type);
        List<Fd> fds = new ArrayList<>();
        int count = descriptors(type, payload);
        for (int i = 0; i < count; i++) fds.add(descriptor(type));
        int flags = VhostUserLayout.FLAG_VERSION | (random.nextInt(3) > 0 ? VhostUserLayout.FLAG_NEED_REPLY : 0);
        try {
            Session.Answer answer = peer.session.handle(new MessageHeader(request, flags, payload.length), payload, fds);
            assertTrue(fds.isEmpty());
            if (answer.file() != null) answer.file().close();
            return answer.refused() == null ? 0 : 1;
        } catch (VhostUserException e) {
            // Whoever serves a socket would close it here; going on only asks more of the session.
            return 1;
        } catch (RuntimeException e) {
            return fail("seed " + seed + ", " + type, e);
        }
    }

    private byte[] payload(MessageType type) {
        byte[] payload = switch (type) {
            case SET_FEATURES ->
                Peer.u64(often(RecordingBackend.FEATURES | 1L << 30 | (random.nextInt(3) == 0 ? 1L << 26 : 0)));
            case GET_INFLIGHT_FD -> Peer.inflight(0, 0, (int) often(RecordingBackend.QUEUES), (int) often(Peer.RING_SIZE));
            case SET_INFLIGHT_FD -> Peer.inflight(often(32 << 10), often(0), (int) often(RecordingBackend.QUEUES),
                    (int) often(Peer.RING_SIZE));
            case SET_LOG_BASE -> Peer.logBase(often(Peer.MEMORY_BYTES), often(0));
            case SET_PROTOCOL_FEATURES -> Peer.u64(often(ProtocolFeatures.OFFERED));
            case SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR ->
                Peer.u64(often(random.nextInt(RecordingBackend.QUEUES)) | (random.nextInt(8) == 0 ? 0x100 : 0));
            case SET_VRING_NUM -> state(Peer.RING_SIZE);
            case SET_VRING_BASE, GET_VRING_BASE -> state(random.nextInt(65536));
            case VRING_KICK -> state(0);
            case SET_DEVICE_STATE_FD -> Peer.state((int) often(random.nextInt(2)), (int) often(0));
            case SET_STATUS -> Peer.u64(often(random.nextInt(16)));
            case SET_VRING_ENABLE -> state(random.nextInt(4) > 0 ? 1 : 0);
            case SET_VRING_ADDR -> addresses();
            case SET_MEM_TABLE -> table();
            case ADD_MEM_REG, REM_MEM_REG -> Peer.slot(region(random.nextInt(6)));
            case GET_CONFIG, SET_CONFIG -> config();
            default -> Peer.none();
        };
        if (random.nextInt(30) == 0) return java.util.Arrays.copyOf(payload, random.nextInt(payload.length + 16));
        if (payload.length > 0 && random.nextInt(20) == 0) payload[random.nextInt(payload.length)] = (byte) random.nextInt();
        return payload;
    }

    private byte[] addresses() {
        int index = (int) often(random.nextInt(RecordingBackend.QUEUES));
        long at = often(Peer.USER + (random.nextInt(16) << 14));
        return random.nextInt(4) > 0 ? Peer.addresses(index, at) : Peer.loggedAddresses(index, at, often(Peer.GPA));
    }

    private byte[] state(int num) {
        return Peer.state((int) often(random.nextInt(RecordingBackend.QUEUES)), (int) often(num));
    }

    private byte[] table() {
        byte[][] regions = new byte[random.nextInt(8) == 0 ? random.nextInt(10) : 1][];
        for (int i = 0; i < regions.length; i++) regions[i] = region(i);
        return Peer.table(regions);
    }

    private byte[] region(long number) {
        return Peer.region(often(Peer.GPA + number * 0x1000_0000L), often(Peer.MEMORY_BYTES),
                often(Peer.USER + number * 0x1000_0000L), often(0));
    }

    private byte[] config() {
        int sizeBytes = random.nextInt(1, 270);
        return Peer.config((int) often(0), (int) often(sizeBytes), sizeBytes);
    }

    private int descriptors(MessageType type, byte[] payload) {
        if (random.nextInt(15) == 0) return random.nextInt(10);
        return switch (type) {
            case SET_MEM_TABLE -> payload.length > 0 ? Math.min(payload[0] & 0xFF, 20) : 0;
            case ADD_MEM_REG, SET_BACKEND_REQ_FD, SET_LOG_BASE, SET_LOG_FD, SET_INFLIGHT_FD, SET_DEVICE_STATE_FD -> 1;
            case SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR -> payload.length > 1 && (payload[1] & 1) != 0 ? 0 : 1;
            default -> 0;
        };
    }

    private Fd descriptor(MessageType type) {
        int kind = random.nextInt(12);
        boolean wantsMemory = type == MessageType.SET_MEM_TABLE || type == MessageType.ADD_MEM_REG
                || type == MessageType.SET_LOG_BASE || type == MessageType.SET_INFLIGHT_FD;
        if (kind == 0) return Sockets.any();
        if (kind == 1) return Peer.memory(random.nextInt(3) * 4096);
        if (kind == 2) return Peer.event();
        if (type == MessageType.SET_BACKEND_REQ_FD) return Sockets.any();
        return wantsMemory ? Peer.memory(Peer.MEMORY_BYTES) : Peer.event();
    }

    /** The value, or sometimes an edge. */
    private long often(long value) {
        return random.nextInt(40) == 0 ? EDGES[random.nextInt(EDGES.length)] : value;
    }
}
