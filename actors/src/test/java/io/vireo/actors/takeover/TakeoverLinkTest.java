package io.vireo.actors.takeover;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.actors.plane.DeviceEstate;
import io.vireo.actors.plane.DeviceState;
import io.vireo.actors.vhostuser.ChannelState;
import io.vireo.actors.vhostuser.ClientState;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.BackendRequest;
import io.vireo.virtio.vhostuser.MessageType;
import io.vireo.virtio.vhostuser.Said;
import io.vireo.virtio.vhostuser.VringPosition;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What two daemons say to each other, over a socket as they do; the other side may be of any version, or mad. */
class TakeoverLinkTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    @TempDir
    Path folder;

    private UnixSocket raw;
    private TakeoverLink sender;
    private TakeoverLink receiver;
    private final List<Fd> sent = new ArrayList<>();

    @BeforeEach
    void connect() {
        Path path = folder.resolve("s");
        try (UnixSocket listening = UnixSocket.listen(path, 1)) {
            raw = UnixSocket.connect(path);
            sender = new TakeoverLink(raw);
            receiver = new TakeoverLink(listening.accept());
        }
    }

    @AfterEach
    void close() {
        sender.close();
        receiver.close();
        sent.forEach(Fd::close);
    }

    private Fd event(long count) {
        EventFd event = EventFd.create();
        for (long i = 0; i < count; i++) event.signal();
        sent.add(event.fd());
        return event.fd();
    }

    /** What was sent as it comes out at the other end. */
    private Parcel passed(Parcel.Kind kind, Parcel.Writer parcel) {
        CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> sender.send(kind, parcel, SOON));
        Parcel received = receiver.receive(SOON);
        sending.join();
        assertEquals(kind, received.kind());
        return received;
    }

    private static long count(Fd event) {
        try (NativeBlock count = NativeBlock.allocate(8, 8); EventFd owned = EventFd.owning(event)) {
            return owned.clear(count.address()) ? Memory.getLong(count.address()) : 0;
        }
    }

    @Test
    void moreDescriptorsThanOneMessageMayCarryComeInTheirOrder() {
        Parcel.Writer parcel = new Parcel.Writer().bytes(new byte[200_000]);
        for (int i = 0; i < 600; i++) parcel.fd(event(i % 3 + 1));
        try (Parcel received = passed(Parcel.Kind.STATE, parcel)) {
            assertEquals(200_000, received.bytes(200_000).length);
            for (int i = 0; i < 600; i++) assertEquals(i % 3 + 1, count(received.fd()));
            assertThrows(TakeoverException.class, received::fd);
        }
    }

    @Test
    void aDevicesStateIsReadAsItWasWritten() {
        Said said = new Said(MessageType.SET_VRING_CALL, new byte[] {1, 2, 3}, List.of(event(1)));
        Said kick = new Said(MessageType.SET_VRING_KICK, new byte[] {4}, List.of(event(2)));
        ChannelState channel = new ChannelState(event(3), BackendRequest.VRING_ERR, new byte[] {5}, new byte[] {6, 7});
        ClientState client = new ClientState(event(4), new byte[] {8}, List.of(event(5), event(6)), Optional.of(channel), true,
                List.of(said), List.of(kick), List.of(new VringPosition(0, null, 9), new VringPosition(1, 0x8001_0002, null)));
        DeviceState state = new DeviceState("vda", true, new byte[] {10}, true, Optional.of(client));
        DeviceState read;
        try (Parcel parcel = passed(Parcel.Kind.STATE, StateParcels.of(state))) {
            read = StateParcels.state(parcel);
        }
        assertEquals("vda", read.name());
        assertTrue(read.paused() && read.configChanged());
        assertArrayEquals(state.blkState(), read.blkState());
        ClientState got = read.client().orElseThrow();
        assertEquals(4, count(got.socket()));
        assertArrayEquals(client.arriving(), got.arriving());
        assertEquals(List.of(5L, 6L), got.arrivingFds().stream().map(TakeoverLinkTest::count).toList());
        assertTrue(got.configChanged());
        assertEquals(3, count(got.channel().orElseThrow().socket()));
        assertEquals(BackendRequest.VRING_ERR, got.channel().get().unanswered());
        assertArrayEquals(channel.unsent(), got.channel().get().unsent());
        assertArrayEquals(channel.answer(), got.channel().get().answer());
        assertEquals(MessageType.SET_VRING_CALL, got.said().getFirst().type());
        assertArrayEquals(said.payload(), got.said().getFirst().payload());
        assertEquals(1, count(got.said().getFirst().fds().getFirst()));
        assertEquals(2, count(got.kicks().getFirst().fds().getFirst()));
        assertEquals(client.positions(), got.positions());
    }

    @Test
    void aDeviceIsReadAsItWasWritten() {
        DeviceEstate device = new DeviceEstate("vda", "disk", "path = /x", 4, 1L << 32, new byte[] {1, 2}, Optional.of(event(7)));
        try (Parcel parcel = passed(Parcel.Kind.DEVICE, EstateParcels.of(device))) {
            DeviceEstate read = EstateParcels.device(parcel);
            assertEquals("vda disk path = /x 4 " + (1L << 32),
                    String.join(" ", read.name(), read.drive(), read.transport(), read.queues() + "", read.features() + ""));
            assertArrayEquals(device.configSpace(), read.configSpace());
            assertEquals(7, count(read.socket().orElseThrow()));
        }
    }

    @Test
    void theEndIsTheEndAlsoInTheMiddle() {
        try (NativeBlock half = NativeBlock.allocate(5, 1)) {
            raw.send(half.address(), 5);
        }
        sender.shutdown();
        assertNull(receiver.receive(SOON));
    }

    @Test
    void aSideThatSaysNothingIsNotWaitedForForEver() {
        assertThrows(TakeoverException.class, () -> receiver.receive(Duration.ofMillis(20)));
    }

    @Test
    void aSideThatReadsNothingIsNotWaitedForForEver() {
        Parcel.Writer much = new Parcel.Writer().bytes(new byte[8 << 20]);
        assertThrows(TakeoverException.class, () -> sender.send(Parcel.Kind.STATE, much, Duration.ofMillis(20)));
    }

    /** Whatever comes is refused or read, and closes what came along. */
    @Test
    void whatMakesNoSenseIsRefused() {
        System.out.println("TakeoverLinkTest -Dvireo.seed=" + SEED);
        Random random = new Random(SEED);
        byte[] good = StateParcels.of(new DeviceState("vda", false, new byte[12], false, Optional.empty())).payload();
        int refused = 0;
        for (int i = 0; i < 5_000; i++) {
            byte[] bad = good.clone();
            for (int flips = 1 + random.nextInt(4); flips > 0; flips--)
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            Fd came = EventFd.create().fd();
            try (Parcel parcel = new Parcel(Parcel.Kind.STATE, bad, List.of(came))) {
                StateParcels.state(parcel);
            } catch (TakeoverException e) {
                refused++;
            }
            came.close();
        }
        assertTrue(refused > 0, "nothing was refused");
        for (int[] header : new int[][] {{99, 0, 0}, {-1, 0, 0}, {0, -1, 0}, {0, Parcel.BYTES_MAX + 1, 0}, {0, 0, -1},
                {0, 0, Parcel.FDS_MAX + 1}}) {
            try (NativeBlock block = NativeBlock.allocate(12, 4)) {
                for (int i = 0; i < 3; i++) Memory.putInt(block.address() + 4 * i, header[i]);
                raw.send(block.address(), 12);
            }
            assertThrows(TakeoverException.class, () -> receiver.receive(SOON));
        }
    }
}
