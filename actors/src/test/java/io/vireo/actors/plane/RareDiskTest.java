package io.vireo.actors.plane;

import static io.vireo.virtio.blk.BlkLayout.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.posix.Memory;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.FrontendException;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What few disks have, from a driver's request to the node and back: zones, erasure for good, a known wear. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RareDiskTest {
    private static final int ZONE_SECTORS = 2048;
    private static final String ZONED = "zoned { model = host-managed, zone-size = 1M, conventional-zones = 1, max-open = 2, "
            + "max-active = 3, max-append = 8K, read-only-zones = [6], offline-zones = [7] }";

    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("rare-test");
    private DataPlane plane;
    private DriverMemory memory;
    private VhostUserDisk disk;
    private BlkQueue queue;

    @AfterEach
    void end() {
        if (disk != null) disk.close();
        if (memory != null) memory.close();
        if (plane != null) plane.close();
        system.terminate();
    }

    private void serve(String drive) {
        plane = DataPlane.start(system, ConfigLoader.of(ConfigFactory.parseString(
                "drives.d { " + drive + " }\ndevices.vda { drive = d, num-queues = 1, transport.path = \"" + folder.resolve("s") + "\" }"),
                Cpus.online()), new VireoMetrics("test"), true);
    }

    private void attach(long withoutFeatures) {
        memory = DriverMemory.create(16 << 20);
        disk = VhostUserDisk.attach(folder.resolve("s"), memory,
                VhostUserDisk.Options.defaults().withoutFeatures(withoutFeatures));
        queue = new BlkQueue(memory, disk.transport().queues().getFirst(), 1, 65536);
    }

    private int send() {
        assertTrue(queue.finish(0));
        queue.submit();
        long giveUp = System.nanoTime() + 30_000_000_000L;
        BooleanSupplier used = () -> queue.pendingUsed() > 0;
        while (!used.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("in vain: a used element");
            Thread.yield();
        }
        queue.reap();
        return queue.status(0);
    }

    private int request(int type, long sector, int dataBytes, boolean deviceWrites) {
        queue.begin(0, type, sector, 0);
        if (dataBytes > 0) queue.addData(0, 0, dataBytes, deviceWrites);
        return send();
    }

    private int command(int type, int zone) {
        return request(type, (long) zone * ZONE_SECTORS, 0, false);
    }

    private int write(long sector, int bytes, int value) {
        Memory.fill(queue.dataAddress(0), bytes, value);
        return request(T_OUT, sector, bytes, false);
    }

    private int read(long sector) {
        Memory.fill(queue.dataAddress(0), 512, 0xEE);
        assertEquals(S_OK, request(T_IN, sector, 512, true));
        return Memory.getU8(queue.dataAddress(0) + 511);
    }

    /** Its status; where it went is in the slot's memory then. */
    private int append(int zone, int bytes, int value) {
        Memory.fill(queue.dataAddress(0), bytes, value);
        Memory.putLong(queue.dataAddress(0) + 32768, -1);
        queue.begin(0, T_ZONE_APPEND, (long) zone * ZONE_SECTORS, 0);
        queue.addData(0, 0, bytes, false);
        queue.addData(0, 32768, APPEND_SECTOR_BYTES, true);
        return send();
    }

    private long appendSector() {
        return Memory.getLong(queue.dataAddress(0) + 32768);
    }

    /** State and write pointer, in sectors from its start, of a zone. */
    private String zone(int zone) {
        assertEquals(S_OK, request(T_ZONE_REPORT, (long) zone * ZONE_SECTORS + 3, 128, true));
        long at = queue.dataAddress(0);
        assertEquals(1, Memory.getLong(at), "what there is room for");
        assertEquals((long) zone * ZONE_SECTORS, Memory.getLong(at + 64 + ZONE_START));
        return Memory.getU8(at + 64 + ZONE_STATE) + " "
                + (Memory.getLong(at + 64 + ZONE_WP) - (long) zone * ZONE_SECTORS);
    }

    @Test
    @Tag("virtio-1.3-5.2.3/13-discard")
    @Tag("virtio-1.3-5.2.5/zoned-fields")
    @Tag("virtio-1.3-5.2.5/append-limit-field")
    @Tag("virtio-1.3-5.2.6/zone-report")
    void tellsADriverOfItsZones() {
        serve("driver = ram, size = 8M, " + ZONED);
        attach(0);
        byte[] config = disk.frontend().getConfig(0, CONFIG_FULL_BYTES);
        assertEquals(ZONE_SECTORS, config[CONFIG_ZONE_SECTORS + 1] << 8);
        assertEquals(2, config[CONFIG_MAX_OPEN_ZONES]);
        assertEquals(3, config[CONFIG_MAX_ACTIVE_ZONES]);
        assertEquals(16, config[CONFIG_MAX_APPEND_SECTORS]);
        assertEquals(512, config[CONFIG_WRITE_GRANULARITY + 1] << 8);
        assertEquals(Z_HM, config[CONFIG_ZONE_MODEL]);
        assertEquals(F_ZONED, disk.features() & (F_ZONED | F_DISCARD), "no discard of host-managed zones");

        Memory.fill(queue.dataAddress(0), 65536, 0xEE);
        assertEquals(S_OK, request(T_ZONE_REPORT, 0, 64 + 20 * 64, true));
        assertEquals(64 + 8 * 64, queue.queue().virtqueue().usedLengthBytes());
        long at = queue.dataAddress(0);
        assertEquals(8, Memory.getLong(at));
        for (int i = 8; i < 64; i++) assertEquals(0, Memory.getU8(at + i));
        int[] states = {ZS_NOT_WP, ZS_EMPTY, ZS_EMPTY, ZS_EMPTY, ZS_EMPTY, ZS_EMPTY, ZS_RDONLY, ZS_OFFLINE};
        for (int zone = 0; zone < 8; zone++) {
            long descriptor = at + 64 + 64L * zone;
            assertEquals(ZONE_SECTORS, Memory.getLong(descriptor + ZONE_CAP));
            assertEquals((long) zone * ZONE_SECTORS, Memory.getLong(descriptor + ZONE_START));
            assertEquals(zone == 0 ? ZT_CONV : ZT_SWR, Memory.getU8(descriptor + ZONE_TYPE));
            assertEquals(states[zone], Memory.getU8(descriptor + ZONE_STATE));
        }
        assertEquals(0xEE, Memory.getU8(at + 64 + 8 * 64));
        assertEquals(S_ZONE_INVALID_CMD, request(T_ZONE_REPORT, 8 * ZONE_SECTORS, 128, true));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/append")
    @Tag("virtio-1.3-5.2.6.2/unaligned-write")
    @Tag("virtio-1.3-5.2.6.2/reset")
    @Tag("virtio-1.3-5.2.6.2/finish")
    @Tag("virtio-1.3-5.2.6.2/reset-all")
    @Tag("virtio-1.3-5.2.6.2/unwritten-data")
    void writesAppendsFinishesAndResetsItsZones() {
        serve("driver = ram, size = 8M, " + ZONED);
        attach(0);
        assertEquals(S_OK, write(5, 512, 0x11), "a conventional zone, anywhere");
        assertEquals(S_ZONE_UNALIGNED_WP, write(ZONE_SECTORS + 1, 512, 1));
        assertEquals(S_OK, write(ZONE_SECTORS, 1024, 0x21));
        assertEquals("2 2", zone(1));
        assertEquals(S_OK, append(1, 1024, 0x22));
        assertEquals(ZONE_SECTORS + 2, appendSector());
        assertEquals(9, queue.queue().virtqueue().usedLengthBytes());
        assertEquals(0x21, read(ZONE_SECTORS + 1));
        assertEquals(0x22, read(ZONE_SECTORS + 3));
        assertEquals(0, read(ZONE_SECTORS + 4), "not written");
        assertEquals(S_ZONE_INVALID_CMD, append(1, 8704, 1), "more than max_append_sectors");
        assertEquals(S_ZONE_INVALID_CMD, append(0, 512, 1), "a conventional zone");
        assertEquals("2 4", zone(1));

        assertEquals(S_OK, command(T_ZONE_FINISH, 1));
        assertEquals("14 2048", zone(1));
        assertEquals(S_ZONE_INVALID_CMD, write(ZONE_SECTORS + 4, 512, 1));
        assertEquals(S_OK, command(T_ZONE_RESET, 1));
        assertEquals("1 0", zone(1));
        assertEquals(0, read(ZONE_SECTORS + 1), "gone");
        assertEquals(S_OK, write(ZONE_SECTORS, 512, 3));
        assertEquals(S_OK, write(2 * ZONE_SECTORS, 512, 4));
        assertEquals(S_OK, request(T_ZONE_RESET_ALL, 0, 0, false));
        assertEquals("1 0", zone(1));
        assertEquals("1 0", zone(2));
        assertEquals(0x11, read(5));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/open-resource")
    @Tag("virtio-1.3-5.2.6.2/active-resource")
    @Tag("virtio-1.3-5.2.6.2/conventional-command")
    @Tag("virtio-1.3-5.2.6.2/read-only-zone")
    @Tag("virtio-1.3-5.2.6.2/offline-zone")
    @Tag("virtio-1.3-5.2.6.2/crosses-zones")
    void answersWithEveryStatusThatZonesHave() {
        serve("driver = ram, size = 8M, " + ZONED);
        attach(0);
        assertEquals(S_OK, command(T_ZONE_OPEN, 1));
        assertEquals(S_OK, command(T_ZONE_OPEN, 2));
        assertEquals("3 0", zone(2));
        assertEquals(S_ZONE_OPEN_RESOURCE, command(T_ZONE_OPEN, 3));
        assertEquals(S_ZONE_OPEN_RESOURCE, write(3 * ZONE_SECTORS, 512, 1));
        assertEquals(S_ZONE_OPEN_RESOURCE, append(3, 512, 1));
        assertEquals(S_OK, write(ZONE_SECTORS, 512, 1));
        assertEquals(S_OK, write(2 * ZONE_SECTORS, 512, 1));
        assertEquals(S_OK, command(T_ZONE_CLOSE, 1));
        assertEquals("4 1", zone(1));
        assertEquals(S_OK, write(3 * ZONE_SECTORS, 512, 1));
        assertEquals(S_ZONE_ACTIVE_RESOURCE, write(4 * ZONE_SECTORS, 512, 1));
        assertEquals(S_ZONE_ACTIVE_RESOURCE, command(T_ZONE_OPEN, 4));
        assertEquals(S_ZONE_INVALID_CMD, command(T_ZONE_OPEN, 0));
        assertEquals(S_ZONE_INVALID_CMD, command(T_ZONE_RESET, 6));
        assertEquals(S_ZONE_INVALID_CMD, write(6 * ZONE_SECTORS, 512, 1));
        assertEquals(0, read(6 * ZONE_SECTORS));
        assertEquals(S_ZONE_INVALID_CMD, request(T_IN, 7 * ZONE_SECTORS, 512, true));
        assertEquals(S_ZONE_INVALID_CMD, request(T_IN, 2 * ZONE_SECTORS - 1, 1024, true));
        assertEquals(S_IOERR, request(T_IN, 8 * ZONE_SECTORS, 512, true), "past the disk");
        assertEquals(S_ZONE_INVALID_CMD, command(T_ZONE_OPEN, 8));
        assertEquals("running", plane.devices().getFirst().status().state());
    }

    @Test
    @Tag("virtio-1.3-5.2.5/host-managed-not-accepted")
    void givesNoHostManagedZonesToADriverThatDoesNotKnowThem() {
        serve("driver = null-co, size = 8M, zoned { model = host-managed, zone-size = 1M }");
        assertThrows(FrontendException.class, () -> attach(F_ZONED));
        attach(0);
        assertEquals(S_OK, command(T_ZONE_OPEN, 1), "and serves the next one");
    }

    @Test
    @Tag("virtio-1.3-5.2.5/zoned-not-accepted")
    @Tag("virtio-1.3-5.2.6.2/zoned-not-negotiated")
    void isAnOrdinaryDiskToADriverOfHostAwareZonesThatDoesNotKnowThem() {
        serve("driver = ram, size = 8M, zoned { model = host-aware, zone-size = 1M }");
        attach(F_ZONED);
        byte[] config = disk.frontend().getConfig(0, CONFIG_FULL_BYTES);
        for (int i = CONFIG_ZONE_SECTORS; i < CONFIG_FULL_BYTES; i++) assertEquals(0, config[i]);
        for (int type : new int[] {T_ZONE_OPEN, T_ZONE_CLOSE, T_ZONE_FINISH, T_ZONE_RESET, T_ZONE_RESET_ALL}) {
            assertEquals(S_UNSUPP, command(type, 0));
        }
        assertEquals(S_UNSUPP, request(T_ZONE_REPORT, 0, 1024, true));
        assertEquals(S_UNSUPP, append(0, 512, 1));
        LoadResult result = new VerifyingLoad(disk.transport(), LoadOptions.of(1).withDepth(8).withDataBytesMax(32 << 10)
                .withDurationNanos(200_000_000L)).run();
        assertTrue(result.clean(), () -> result.failure() + " " + result.complaints());
        assertNotEquals(0, result.verifiedSectors());
    }

    @Test
    @Tag("virtio-1.3-5.2.6/lifetime")
    @Tag("virtio-1.3-5.2.6.2/lifetime-offered")
    void tellsHowWornItIs() {
        serve("driver = null-co, size = 8M, lifetime { pre-eol-info = 1, type-a = 3, type-b = 11 }");
        attach(0);
        assertEquals(F_LIFETIME, disk.features() & F_LIFETIME);
        Memory.fill(queue.dataAddress(0), 16, 0xEE);
        assertEquals(S_OK, request(T_GET_LIFETIME, 0, LIFETIME_BYTES, true));
        assertEquals(7, queue.queue().virtqueue().usedLengthBytes());
        assertEquals(1, Memory.getU16(queue.dataAddress(0)));
        assertEquals(3, Memory.getU16(queue.dataAddress(0) + 2));
        assertEquals(11, Memory.getU16(queue.dataAddress(0) + 4));
        assertEquals(0xEE, Memory.getU8(queue.dataAddress(0) + 6));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/lifetime-offered")
    void offersNeitherWearNorErasureNorZonesWhereThereAreNone() {
        serve("driver = ram, size = 8M");
        attach(0);
        assertEquals(0, disk.features() & (F_LIFETIME | F_SECURE_ERASE | F_ZONED));
        assertEquals(S_UNSUPP, request(T_GET_LIFETIME, 0, LIFETIME_BYTES, true));
        assertEquals(S_UNSUPP, erase(0, 8));
    }

    private int erase(long sector, int sectors) {
        Memory.putLong(queue.dataAddress(0), sector);
        Memory.putInt(queue.dataAddress(0) + 8, sectors);
        Memory.putInt(queue.dataAddress(0) + 12, 0);
        return request(T_SECURE_ERASE, 0, SEGMENT_BYTES, false);
    }

    @Test
    @Tag("virtio-1.3-5.2.6/secure-erase")
    void erasesForGood() {
        serve("driver = ram, size = 8M, secure-erase = on");
        attach(0);
        assertEquals(S_OK, write(100, 1024, 0x44));
        assertEquals(S_OK, erase(101, 1));
        assertEquals(0x44, read(100));
        assertEquals(0, read(101));
        assertEquals(S_IOERR, erase(16384, 1));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/secure-erase-zones")
    void erasesZonesAsItResetsThem() {
        serve("driver = ram, size = 8M, secure-erase = on, zoned { model = host-managed, zone-size = 1M }");
        attach(0);
        byte[] config = disk.frontend().getConfig(0, CONFIG_FULL_BYTES);
        assertEquals(ZONE_SECTORS, config[CONFIG_SECURE_ERASE_SECTOR_ALIGNMENT + 1] << 8);
        assertEquals(S_OK, write(ZONE_SECTORS, 512, 0x44));
        assertEquals(S_ZONE_INVALID_CMD, erase(ZONE_SECTORS, 8));
        assertEquals("2 1", zone(1));
        assertEquals(S_OK, erase(ZONE_SECTORS, 2 * ZONE_SECTORS));
        assertEquals("1 0", zone(1));
        assertEquals(0, read(ZONE_SECTORS));
    }

    @Test
    void keepsOneStateOfItsZonesForAllItsIoThreads() {
        plane = DataPlane.start(system, ConfigLoader.of(ConfigFactory.parseString("iothreads { a {}, b {} }\n"
                + "drives.d { driver = ram, size = 8M, zoned { model = host-managed, zone-size = 1M } }\n"
                + "devices.vda { drive = d, num-queues = 2, iothread-vq-mapping = [ { iothread = a }, { iothread = b } ]"
                + ", transport.path = \"" + folder.resolve("s") + "\" }"), Cpus.online()), new VireoMetrics("test"), true);
        memory = DriverMemory.create(16 << 20);
        disk = VhostUserDisk.attach(folder.resolve("s"), memory, VhostUserDisk.Options.defaults().withQueues(2, 64));
        BlkQueue[] both = new BlkQueue[2];
        for (int i = 0; i < 2; i++) both[i] = new BlkQueue(memory, disk.transport().queues().get(i), 1, 65536);
        for (int i = 0; i < 200; i++) {
            queue = both[i % 2];
            assertEquals(S_OK, append(3, 512, i));
            assertEquals(3 * ZONE_SECTORS + i, appendSector());
        }
        queue = both[0];
        assertEquals("2 200", zone(3));
        for (int i = 0; i < 200; i++) assertEquals(i, read(3 * ZONE_SECTORS + i));
    }
}
