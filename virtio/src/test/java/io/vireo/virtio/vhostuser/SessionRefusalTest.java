package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a hostile or broken front-end may send: each is refused, changes nothing, and leaves no descriptor open. */
class SessionRefusalTest {
    private static final long FAR = 1L << 40;

    static {
        Sockets.ip().close(); // Java's first socket leaves one of its own open, for good
    }

    private final long descriptorsBefore = Peer.openDescriptors();
    private Peer peer;

    /** One wrong message to a session that is negotiated, has memory and runs vring 0. */
    record Wrong(String name, Fault fault, int request, byte[] payload, Maker fds) {
        @Override
        public String toString() {
            return name;
        }
    }

    interface Maker {
        Fd[] make();
    }

    private static final Maker NONE = () -> new Fd[0];
    private static final Maker EVENT = () -> new Fd[] {Peer.event()};
    private static final Maker MEMORY = () -> new Fd[] {Peer.memory(Peer.MEMORY_BYTES)};
    private static final Maker MEMORIES =
            () -> new Fd[] {Peer.memory(Peer.MEMORY_BYTES), Peer.memory(Peer.MEMORY_BYTES), Peer.memory(Peer.MEMORY_BYTES)};
    /** A regular file that is large enough. */
    private static final Maker SYSFS = () -> new Fd[] {PosixFile.open("/sys/kernel/uevent_seqnum", PosixFile.O_RDONLY, 0)};
    private static final Maker EIGHT = () -> Stream.generate(Peer::event).limit(8).toArray(Fd[]::new);

    private static Wrong wrong(String name, Fault fault, MessageType type, byte[] payload, Maker fds) {
        return new Wrong(name, fault, type.id(), payload, fds);
    }

    static Stream<Wrong> wrongs() {
        return Stream.of(messages(), vrings(), memories(), addresses()).flatMap(wrongs -> wrongs);
    }

    private static Stream<Wrong> messages() {
        return Stream.of(
                new Wrong("request 0", Fault.UNKNOWN_REQUEST, 0, Peer.none(), NONE),
                new Wrong("request 200", Fault.UNKNOWN_REQUEST, 200, new byte[64], EIGHT),
                new Wrong("request 2^32-1", Fault.UNKNOWN_REQUEST, -1, Peer.none(), NONE),
                new Wrong("IOTLB_MSG", Fault.UNKNOWN_REQUEST, 22, new byte[32], NONE),
                new Wrong("POSTCOPY_ADVISE", Fault.UNKNOWN_REQUEST, 28, Peer.none(), NONE),
                wrong("log of 2^62 bytes", Fault.LOG, MessageType.SET_LOG_BASE, Peer.logBase(1L << 62, 0), MEMORY),
                wrong("log of no bytes", Fault.LOG, MessageType.SET_LOG_BASE, Peer.logBase(0, 0), MEMORY),
                wrong("log of -1 bytes", Fault.LOG, MessageType.SET_LOG_BASE, Peer.logBase(-1, 0), MEMORY),
                wrong("log past its file's end", Fault.LOG, MessageType.SET_LOG_BASE, Peer.logBase(Peer.MEMORY_BYTES, 1), MEMORY),
                wrong("log before its file", Fault.LOG, MessageType.SET_LOG_BASE, Peer.logBase(4096, -4096), MEMORY),
                wrong("log in a socket", Fault.DESCRIPTOR_KIND, MessageType.SET_LOG_BASE, Peer.logBase(4096, 0),
                        () -> new Fd[] {Sockets.any()}),
                wrong("log on sysfs", Fault.DESCRIPTOR_KIND, MessageType.SET_LOG_BASE, Peer.logBase(4096, 0), SYSFS),
                wrong("log without descriptor", Fault.DESCRIPTOR_COUNT, MessageType.SET_LOG_BASE, Peer.logBase(4096, 0), NONE),
                wrong("log as a pointer", Fault.PAYLOAD_SIZE, MessageType.SET_LOG_BASE, Peer.u64(4096), MEMORY),
                wrong("log listener is a file", Fault.DESCRIPTOR_KIND, MessageType.SET_LOG_FD, Peer.none(), MEMORY),
                wrong("log listener missing", Fault.DESCRIPTOR_COUNT, MessageType.SET_LOG_FD, Peer.none(), NONE),
                wrong("short features", Fault.PAYLOAD_SIZE, MessageType.SET_FEATURES, new byte[2], NONE),
                wrong("unoffered features", Fault.FEATURES, MessageType.SET_FEATURES, Peer.u64(-1), NONE),
                wrong("unoffered protocol features", Fault.FEATURES, MessageType.SET_PROTOCOL_FEATURES, Peer.u64(-1), NONE),
                wrong("features while running", Fault.VRING_RUNNING, MessageType.SET_FEATURES, Peer.u64(1L << 32), NONE),
                wrong("owner with descriptors", Fault.DESCRIPTOR_COUNT, MessageType.SET_OWNER, Peer.none(), EIGHT),
                wrong("owner with 253 descriptors", Fault.DESCRIPTOR_COUNT, MessageType.SET_OWNER, Peer.none(),
                        () -> Stream.generate(Peer::event).limit(253).toArray(Fd[]::new)),
                wrong("channel without descriptor", Fault.DESCRIPTOR_COUNT, MessageType.SET_BACKEND_REQ_FD, Peer.none(), NONE),
                wrong("channel is a file", Fault.DESCRIPTOR_KIND, MessageType.SET_BACKEND_REQ_FD, Peer.none(), MEMORY),
                wrong("channel is an eventfd", Fault.DESCRIPTOR_KIND, MessageType.SET_BACKEND_REQ_FD, Peer.none(), EVENT),
                wrong("channel is a socket of IP", Fault.DESCRIPTOR_KIND, MessageType.SET_BACKEND_REQ_FD, Peer.none(),
                        () -> new Fd[] {Sockets.ip()}),
                wrong("channel is a socket that listens", Fault.DESCRIPTOR_KIND, MessageType.SET_BACKEND_REQ_FD, Peer.none(),
                        () -> new Fd[] {Sockets.listening()}),
                wrong("memory on sysfs", Fault.DESCRIPTOR_KIND, MessageType.SET_MEM_TABLE,
                        Peer.table(Peer.region(FAR, 4096, FAR, 0)), SYSFS),
                wrong("reset with a descriptor", Fault.DESCRIPTOR_COUNT, MessageType.RESET_DEVICE, Peer.none(), EVENT),
                wrong("reset with a payload", Fault.PAYLOAD_SIZE, MessageType.RESET_DEVICE, Peer.u64(0), NONE),
                wrong("status of 9 bits", Fault.STATUS, MessageType.SET_STATUS, Peer.u64(0x100), NONE),
                wrong("status of 64 bits", Fault.STATUS, MessageType.SET_STATUS, Peer.u64(-1), NONE),
                wrong("status cut short", Fault.PAYLOAD_SIZE, MessageType.SET_STATUS, new byte[4], NONE),
                wrong("status with a descriptor", Fault.DESCRIPTOR_COUNT, MessageType.SET_STATUS, Peer.u64(1), EVENT),
                wrong("in-band without what it needs", Fault.FEATURES, MessageType.SET_PROTOCOL_FEATURES,
                        Peer.u64(ProtocolFeatures.INBAND_NOTIFICATIONS | ProtocolFeatures.REPLY_ACK), NONE),
                wrong("configuration write far out", Fault.CONFIG, MessageType.SET_CONFIG, Peer.config(-16, 4, 4), NONE),
                wrong("configuration write of 4G-1", Fault.CONFIG, MessageType.SET_CONFIG, Peer.config(0, -1, 4), NONE),
                wrong("configuration write of 300", Fault.CONFIG, MessageType.SET_CONFIG, Peer.config(0, 300, 300), NONE),
                wrong("configuration write of nothing", Fault.CONFIG, MessageType.SET_CONFIG, Peer.config(0, 0, 0), NONE),
                wrong("configuration write cut short", Fault.CONFIG, MessageType.SET_CONFIG, new byte[11], NONE));
    }

    private static Stream<Wrong> vrings() {
        Stream<Wrong> indices = Stream.of(MessageType.SET_VRING_NUM, MessageType.SET_VRING_BASE, MessageType.SET_VRING_ENABLE)
                .flatMap(type -> IntStream.of(RecordingBackend.QUEUES, 0xFFFF, -1).mapToObj(
                        index -> wrong(type + " " + index, Fault.VRING_INDEX, type, Peer.state(index, 64), NONE)));
        Stream<Wrong> sizes = IntStream.of(0, 1, 3, 65535, 65536, 1 << 31).mapToObj(size ->
                wrong("size " + size, Fault.VRING_SIZE, MessageType.SET_VRING_NUM, Peer.state(1, size), NONE));
        Stream<Wrong> events = Stream.of(MessageType.SET_VRING_KICK, MessageType.SET_VRING_CALL, MessageType.SET_VRING_ERR)
                .flatMap(type -> Stream.of(
                        wrong(type + " index", Fault.VRING_INDEX, type, Peer.u64(0xFF), EVENT),
                        wrong(type + " missing", Fault.DESCRIPTOR_COUNT, type, Peer.u64(0), NONE),
                        wrong(type + " unannounced", Fault.DESCRIPTOR_COUNT, type, Peer.u64(0x100), EVENT),
                        wrong(type + " twice", Fault.DESCRIPTOR_COUNT, type, Peer.u64(0), EIGHT),
                        wrong(type + " is a file", Fault.DESCRIPTOR_KIND, type, Peer.u64(0), MEMORY),
                        wrong(type + " is a socket", Fault.DESCRIPTOR_KIND, type, Peer.u64(0), () -> new Fd[] {Sockets.any()}),
                        wrong(type + " is /dev/null", Fault.DESCRIPTOR_KIND, type, Peer.u64(0),
                                () -> new Fd[] {PosixFile.open("/dev/null", PosixFile.O_RDWR, 0)})));
        return Stream.of(indices, sizes, events, Stream.of(
                wrong("more entries than there is room for", Fault.VRING_SIZE, MessageType.SET_VRING_NUM,
                        Peer.state(1, 32768), NONE),
                wrong("size while running", Fault.VRING_RUNNING, MessageType.SET_VRING_NUM, Peer.state(0, 16), NONE),
                wrong("base while running", Fault.VRING_RUNNING, MessageType.SET_VRING_BASE, Peer.state(0, 0), NONE),
                wrong("base 65536", Fault.VRING_BASE, MessageType.SET_VRING_BASE, Peer.state(1, 65536), NONE),
                wrong("base absurd", Fault.VRING_BASE, MessageType.SET_VRING_BASE, Peer.state(1, 0x12345678), NONE),
                wrong("base negative", Fault.VRING_BASE, MessageType.SET_VRING_BASE, Peer.state(1, -1), NONE),
                wrong("kick as a message, index", Fault.VRING_INDEX, MessageType.VRING_KICK, Peer.state(4, 0), NONE),
                wrong("kick as a message, reserved", Fault.RESERVED, MessageType.VRING_KICK, Peer.state(0, 1), NONE),
                wrong("kick as a message, descriptor", Fault.DESCRIPTOR_COUNT, MessageType.VRING_KICK, Peer.state(0, 0), EVENT),
                wrong("kick for polling", Fault.DESCRIPTOR_COUNT, MessageType.SET_VRING_KICK, Peer.u64(0x100), NONE)))
                .flatMap(wrongs -> wrongs);
    }

    private static Stream<Wrong> memories() {
        byte[] good = Peer.region(FAR, Peer.MEMORY_BYTES, FAR, 0);
        byte[] overlapping = Peer.region(FAR + 4096, Peer.MEMORY_BYTES - 4096, FAR * 2, 0);
        byte[] count = Peer.table(good);
        count[0] = count[1] = count[2] = count[3] = -1;
        byte[][] nine = new byte[9][];
        java.util.Arrays.fill(nine, good);
        Stream<Wrong> regions = Stream.of(
                new Object[] {"of no bytes", Peer.region(FAR, 0, FAR, 0)},
                new Object[] {"of 2^63 bytes", Peer.region(FAR, 1L << 63, FAR, 0)},
                new Object[] {"larger than its file", Peer.region(FAR, Peer.MEMORY_BYTES + 1, FAR, 0)},
                new Object[] {"past its file's end", Peer.region(FAR, Peer.MEMORY_BYTES, FAR, 4096)},
                new Object[] {"whose offset wraps", Peer.region(FAR, Peer.MEMORY_BYTES, FAR, -4096)},
                new Object[] {"whose offset is largest", Peer.region(FAR, Peer.MEMORY_BYTES, FAR, Long.MAX_VALUE)},
                new Object[] {"whose gpa wraps", Peer.region(-4096, Peer.MEMORY_BYTES, FAR, 0)},
                new Object[] {"whose user address wraps", Peer.region(FAR, Peer.MEMORY_BYTES, -4096, 0)})
                .flatMap(region -> Stream.of(
                        wrong("table with region " + region[0], Fault.MEMORY_REGION, MessageType.SET_MEM_TABLE,
                                Peer.table((byte[]) region[1]), MEMORY),
                        wrong("slot " + region[0], Fault.MEMORY_REGION, MessageType.ADD_MEM_REG,
                                Peer.slot((byte[]) region[1]), MEMORY)));
        return Stream.concat(regions, Stream.of(
                wrong("9 regions", Fault.PAYLOAD_SIZE, MessageType.SET_MEM_TABLE, Peer.table(nine), EIGHT),
                wrong("2^32-1 regions", Fault.PAYLOAD_SIZE, MessageType.SET_MEM_TABLE, count, MEMORY),
                wrong("empty message as table", Fault.PAYLOAD_SIZE, MessageType.SET_MEM_TABLE, Peer.none(), NONE),
                wrong("table with half a region", Fault.PAYLOAD_SIZE, MessageType.SET_MEM_TABLE,
                        java.util.Arrays.copyOf(Peer.table(good), 24), MEMORY),
                wrong("table without descriptors", Fault.DESCRIPTOR_COUNT, MessageType.SET_MEM_TABLE, Peer.table(good), NONE),
                wrong("table with too many", Fault.DESCRIPTOR_COUNT, MessageType.SET_MEM_TABLE, Peer.table(good), MEMORIES),
                wrong("table with too few", Fault.DESCRIPTOR_COUNT, MessageType.SET_MEM_TABLE,
                        Peer.table(good, overlapping), MEMORY),
                wrong("table with an overlap", Fault.MEMORY_REGION, MessageType.SET_MEM_TABLE,
                        Peer.table(good, overlapping, Peer.region(FAR * 8, 4096, FAR * 8, 0)), MEMORIES),
                wrong("table in a socket", Fault.DESCRIPTOR_KIND, MessageType.SET_MEM_TABLE, Peer.table(good),
                        () -> new Fd[] {Sockets.any()}),
                wrong("table in an eventfd", Fault.DESCRIPTOR_KIND, MessageType.SET_MEM_TABLE, Peer.table(good), EVENT),
                wrong("table that leaves a running vring behind", Fault.VRING_ADDRESS, MessageType.SET_MEM_TABLE,
                        Peer.table(good), MEMORY),
                wrong("empty table under a running vring", Fault.VRING_ADDRESS, MessageType.SET_MEM_TABLE, Peer.table(), NONE),
                wrong("slot without descriptor", Fault.DESCRIPTOR_COUNT, MessageType.ADD_MEM_REG, Peer.slot(good), NONE),
                wrong("slot with three", Fault.DESCRIPTOR_COUNT, MessageType.ADD_MEM_REG, Peer.slot(good), MEMORIES),
                wrong("slot cut short", Fault.PAYLOAD_SIZE, MessageType.ADD_MEM_REG, new byte[8], MEMORY),
                wrong("slot over the memory table", Fault.MEMORY_REGION, MessageType.ADD_MEM_REG,
                        Peer.slot(Peer.region(Peer.GPA, 4096, FAR, 0)), MEMORY),
                wrong("removal of no slot", Fault.MEMORY_REGION, MessageType.REM_MEM_REG, Peer.slot(good), NONE),
                wrong("removal under a running vring", Fault.VRING_ADDRESS, MessageType.REM_MEM_REG,
                        Peer.slot(Peer.region(Peer.GPA, Peer.MEMORY_BYTES, Peer.USER, 0)), NONE)));
    }

    private static Stream<Wrong> addresses() {
        long end = Peer.USER + Peer.MEMORY_BYTES;
        return Stream.of(
                new Object[] {"outside memory", Peer.addresses(1, FAR)},
                new Object[] {"null", Peer.addresses(1, 0, 0, 0)},
                new Object[] {"at the top", Peer.addresses(1, -16)},
                new Object[] {"with a table past the end", Peer.addresses(1, end - 32, Peer.USER, Peer.USER + 0x1000)},
                new Object[] {"with an avail ring past the end", Peer.addresses(1, Peer.USER, end - 260, Peer.USER + 0x1000)},
                new Object[] {"with a used ring past the end", Peer.addresses(1, Peer.USER, Peer.USER + 0x1000, end - 1028)},
                new Object[] {"with a table off by 3", Peer.addresses(1, Peer.USER + 3, Peer.USER + 0x1000, Peer.USER + 0x2000)},
                new Object[] {"with an avail ring off by 1", Peer.addresses(1, Peer.USER, Peer.USER + 0x1001, Peer.USER + 0x2000)},
                new Object[] {"with a used ring off by 2", Peer.addresses(1, Peer.USER, Peer.USER + 0x1000, Peer.USER + 0x2002)})
                .map(address -> wrong("vring " + address[0], Fault.VRING_ADDRESS, MessageType.SET_VRING_ADDR,
                        (byte[]) address[1], NONE))
                .mapMulti((wrong, out) -> {
                    out.accept(wrong);
                    if (wrong.name().endsWith("null")) {
                        out.accept(wrong("vring index", Fault.VRING_INDEX, MessageType.SET_VRING_ADDR,
                                Peer.addresses(0xFFFF, Peer.USER), NONE));
                        out.accept(wrong("vring addresses while running", Fault.VRING_RUNNING, MessageType.SET_VRING_ADDR,
                                Peer.addresses(0, Peer.USER + 0x8000), NONE));
                    }
                });
    }

    @BeforeEach
    void run() {
        peer = new Peer();
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        peer.send(MessageType.SET_VRING_NUM, Peer.state(1, Peer.RING_SIZE));
    }

    @AfterEach
    void leavesNothingBehind() {
        peer.session.close();
        peer.link.close();
        assertEquals(descriptorsBefore, Peer.openDescriptors(), "descriptors");
        assertEquals(0, Peer.mappings(), "mappings");
    }

    @ParameterizedTest
    @MethodSource("wrongs")
    @Tag("virtio-1.3-2.2.2/subset")
    @Tag("vhost-user/CONFIGURE_MEM_SLOTS")
    @Tag("vhost-user/descriptors")
    @Tag("vhost-user/unknown")
    @Tag("vhost-user/SET_FEATURES")
    @Tag("vhost-user/SET_PROTOCOL_FEATURES")
    @Tag("vhost-user/SET_OWNER")
    @Tag("vhost-user/SET_MEM_TABLE")
    @Tag("vhost-user/SET_LOG_BASE")
    @Tag("vhost-user/SET_LOG_FD")
    @Tag("vhost-user/SET_VRING_NUM")
    @Tag("vhost-user/SET_VRING_ADDR")
    @Tag("vhost-user/SET_VRING_BASE")
    @Tag("vhost-user/SET_VRING_KICK")
    @Tag("vhost-user/SET_VRING_ENABLE")
    @Tag("vhost-user/SET_BACKEND_REQ_FD")
    @Tag("vhost-user/SET_CONFIG")
    @Tag("vhost-user/VRING_KICK")
    @Tag("vhost-user/ADD_MEM_REG")
    @Tag("vhost-user/REM_MEM_REG")
    @Tag("vhost-user/SET_STATUS")
    void refusesWithoutAnyEffect(Wrong wrong) {
        long descriptors = Peer.openDescriptors();
        int calls = peer.backend.calls.size();
        Session.Answer answer =
                peer.send(wrong.request(), VhostUserLayout.FLAG_NEED_REPLY, wrong.payload(), wrong.fds().make());
        assertEquals(1, Peer.u64(answer));
        assertEquals(wrong.fault(), answer.refused().fault(), answer.refused().getMessage());
        assertEquals(calls, peer.backend.calls.size(), "the device heard nothing");
        assertEquals(descriptors, Peer.openDescriptors());
        assertEquals(1, Peer.mappings());
        assertNotNull(peer.backend.running[0]);
    }

    @ParameterizedTest
    @MethodSource("wrongs")
    @Tag("vhost-user/REPLY_ACK")
    void endsTheConnectionWhenNoReplyWasAskedFor(Wrong wrong) {
        long descriptors = Peer.openDescriptors();
        if (wrong.fault() == Fault.CONFIG) {
            assertNotNull(peer.send(wrong.request(), 0, wrong.payload(), wrong.fds().make()).refused());
            return;
        }
        VhostUserException refused = assertThrows(VhostUserException.class,
                () -> peer.send(wrong.request(), 0, wrong.payload(), wrong.fds().make()));
        assertEquals(wrong.fault(), refused.fault());
        assertEquals(0, refused.getStackTrace().length);
        assertEquals(descriptors, Peer.openDescriptors());
    }

    @Test
    @Tag("vhost-user/CONFIG")
    @Tag("vhost-user/GET_CONFIG")
    void answersABadConfigurationReadWithAnEmptyPayload() {
        for (byte[] bad : new byte[][] {Peer.config(-16, 60, 60), Peer.config(0, -1, 60), Peer.config(1, 256, 256), Peer.none()}) {
            Session.Answer answer = peer.send(MessageType.GET_CONFIG, bad);
            assertEquals(0, Peer.replySize(answer));
            assertEquals(VhostUserException.Fault.CONFIG, answer.refused().fault());
        }
    }

    @Test
    void endsTheConnectionWhenARequestWithAReplyIsWrong() {
        VhostUserException refused = assertThrows(VhostUserException.class,
                () -> peer.ask(MessageType.GET_VRING_BASE, Peer.state(9, 0)));
        assertEquals(Fault.VRING_INDEX, refused.fault());
    }

    @Test
    @Tag("vhost-user/not-negotiated")
    void refusesWhatWasNotNegotiated() {
        Peer plain = new Peer();
        for (MessageType type : new MessageType[] {
            MessageType.GET_QUEUE_NUM, MessageType.GET_MAX_MEM_SLOTS
        }) {
            VhostUserException refused = assertThrows(VhostUserException.class, () -> plain.get(type));
            assertEquals(Fault.NOT_NEGOTIATED, refused.fault());
        }
        assertThrows(VhostUserException.class, () -> plain.send(MessageType.GET_CONFIG, Peer.config(0, 60, 60)));
        plain.session.close();
    }

    @Test
    @Tag("virtio-1.3-2.1.2/not-before-it-is-set-up")
    void takesTheKickAwayFromAVringThatCannotStart() {
        peer.send(MessageType.SET_MEM_TABLE, Peer.table(
                Peer.region(Peer.GPA, Peer.MEMORY_BYTES, Peer.USER, 0), Peer.region(FAR, 4096, FAR, 0)),
                Peer.memory(Peer.MEMORY_BYTES), Peer.memory(4096));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(1, Peer.USER));
        peer.send(MessageType.SET_VRING_NUM, Peer.state(1, 16384));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(1, Peer.USER, Peer.USER + 0x80000, Peer.USER + 0xA0000));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(1), Peer.event());
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(2, FAR * 3));
        peer.send(MessageType.SET_VRING_NUM, Peer.state(2, 128));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(2), Peer.event());
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(1, 1));
        assertNotNull(peer.backend.running[1]);
        long descriptors = Peer.openDescriptors();
        assertEquals(1, Peer.u64(peer.ask(MessageType.SET_VRING_ENABLE, Peer.state(2, 1))));
        assertNull(peer.backend.running[2]);
        assertEquals(descriptors - 1, Peer.openDescriptors());
    }

    @Test
    void grantsExactly509Slots() {
        Peer slots = new Peer();
        slots.negotiate();
        for (long i = 0; i < MemoryTable.SLOTS_MAX; i++) {
            byte[] slot = Peer.slot(Peer.region(i << 32, 4096, FAR + (i << 32), 0));
            assertEquals(0, Peer.u64(slots.ask(MessageType.ADD_MEM_REG, slot, Peer.memory(4096))));
        }
        Session.Answer answer = slots.ask(MessageType.ADD_MEM_REG,
                Peer.slot(Peer.region(510L << 32, 4096, FAR * 4, 0)), Peer.memory(4096));
        assertEquals(Fault.MEMORY_SLOTS, answer.refused().fault());
        slots.session.close();
    }

    @Test
    @Tag("vhost-user/SET_MEM_TABLE")
    void refusesMemoryThatCannotBeWritten() throws IOException {
        Path file = Files.createTempFile("vireo-session", ".mem");
        Files.write(file, new byte[8192]);
        Fd readOnly = PosixFile.open(file.toString(), PosixFile.O_RDONLY, 0);
        Files.delete(file);
        Session.Answer answer = peer.ask(MessageType.ADD_MEM_REG, Peer.slot(Peer.region(FAR, 8192, FAR, 0)), readOnly);
        assertEquals(Fault.MEMORY_REGION, answer.refused().fault());
        assertTrue(readOnly.isClosed());
    }
}
