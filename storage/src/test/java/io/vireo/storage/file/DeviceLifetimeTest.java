package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.Lifetime;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import io.vireo.storage.zone.ZoneLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a folder in the place of an eMMC's in sysfs. */
class DeviceLifetimeTest {
    @TempDir
    Path disk;

    private DeviceLifetime publish(String lifeTime, String preEolInfo) throws IOException {
        Path device = Files.createDirectories(disk.resolve("device"));
        Files.createDirectories(disk.resolve("queue"));
        Files.writeString(device.resolve("life_time"), lifeTime);
        Files.writeString(device.resolve("pre_eol_info"), preEolInfo);
        return new BlockQueue(disk.resolve("queue")).lifetime();
    }

    @Test
    void isWhatTheKernelPublishes() throws IOException {
        assertEquals(new Lifetime(1, 2, 3).packed(), publish("0x02 0x03\n", "0x01\n").read());
        assertEquals(new Lifetime(3, 11, 0).packed(), publish("0x0b 0x00\n", "0x03\n").read());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/lifetime-reserved")
    void tellsNothingThatIsReserved() throws IOException {
        assertEquals(new Lifetime(0, 0, 11).packed(), publish("0x0c 0x0b\n", "0x04\n").read());
        assertEquals(new Lifetime(0, 0, 0).packed(), publish("0xff 0xff\n", "0xff\n").read());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/lifetime-offered")
    void isUnknownWhereNothingIsPublished() throws IOException {
        assertFalse(new BlockQueue(disk.resolve("queue")).lifetime().isKnown());
        assertTrue(publish("0x01 0x01", "0x01").isKnown());
    }

    @Test
    void failsOnWhatItCannotRead() throws IOException {
        assertEquals(-Errno.EIO, publish("0x01", "0x01").read());
        assertEquals(-Errno.EIO, publish("much little", "0x01").read());
        DeviceLifetime lifetime = publish("0x01 0x01", "0x01");
        Files.delete(disk.resolve("device/life_time"));
        assertEquals(-Errno.EIO, lifetime.read());
    }

    @Test
    void isAskedForByARequestEachTimeAnew() throws Exception {
        DeviceLifetime lifetime = publish("0x01 0x02", "0x01");
        Path file = Files.write(disk.resolve("file"), new byte[4096]);
        NodeLimits limits = NodeLimits.SECTORS.withRare(new NodeLimits.Rare(RangeLimits.UNSUPPORTED, true, ZoneLimits.NONE));
        FileOptions options = FileOptions.of("d", file.toString());
        for (AioMode mode : new AioMode[] {AioMode.THREADS, AioMode.IO_URING}) {
            try (TestLoop loop = new TestLoop()) {
                Engines.equip(loop, AioMode.THREADS);
                if (mode != AioMode.THREADS) Engines.equip(loop, mode);
                Fd fd = PosixFile.open(file.toString(), PosixFile.O_RDWR, 0);
                HostFile node = loop.own(
                        new HostFile("host_device", options.withAio(mode), fd, false, 4096, limits, lifetime::read));
                NodeChannel channel = loop.own(node.open(loop));
                TestRequest r = loop.own(new TestRequest(0)).whole(0);
                channel.submit(r.request.lifetime());
                loop.runUntil(r::isDone);
                assertEquals(0, r.errno);
                assertEquals(new Lifetime(1, 1, 2).packed(), r.request.answer());
                publish("0x05 0x06", "0x02");
                r.whole(0);
                channel.submit(r.request.lifetime());
                loop.runUntil(r::isDone);
                assertEquals(new Lifetime(2, 5, 6).packed(), r.request.answer());
                publish("0x01 0x02", "0x01");
            }
        }
    }
}
