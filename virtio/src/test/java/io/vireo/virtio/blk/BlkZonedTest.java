package io.vireo.virtio.blk;

import static io.vireo.virtio.blk.BlkLayout.*;
import static io.vireo.virtio.blk.BlkRequest.PROCEED;
import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import io.vireo.virtio.blk.BlkProperties.SecureErase;
import io.vireo.virtio.blk.BlkProperties.Zoned;
import io.vireo.virtio.blk.Judge.Segment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What few devices have: zones, erasure for good, a known wear. */
class BlkZonedTest {
    private static final long SECTORS = 1 << 20;
    private static final int[] COMMANDS = {T_ZONE_OPEN, T_ZONE_CLOSE, T_ZONE_FINISH, T_ZONE_RESET};
    private static final int[] ON_ZONES = {
        T_ZONE_APPEND, T_ZONE_REPORT, T_ZONE_OPEN, T_ZONE_CLOSE, T_ZONE_FINISH, T_ZONE_RESET, T_ZONE_RESET_ALL};
    private static final Zoned ZONED = new Zoned(Z_HM, 2048, 3, 4, 128, 512);

    private Judge judge = new Judge(disk(ZONED, false), F_ZONED);

    @AfterEach
    void close() {
        judge.close();
    }

    private static BlkProperties disk(Zoned zoned, boolean readOnly) {
        return Devices.disk(SECTORS * 512, 512, readOnly).with(new SecureErase(true, 4096, 16, 2048), true, zoned);
    }

    private void use(BlkProperties properties, long features) {
        judge.close();
        judge = new Judge(properties, features);
    }

    @Test
    @Tag("virtio-1.3-5.2.4/zoned")
    @Tag("virtio-1.3-5.2.4/secure-erase")
    @Tag("virtio-1.3-5.2.5/zoned-fields")
    void laysOutWhatFewDevicesHave() {
        ByteBuffer expected = ByteBuffer.allocate(36).order(ByteOrder.LITTLE_ENDIAN);
        expected.putInt(4096).putInt(16).putInt(2048).putInt(2048).putInt(3).putInt(4).putInt(128).putInt(512).put((byte) 1);
        BlkConfigSpace config = new BlkConfigSpace(disk(ZONED, false));
        assertArrayEquals(expected.array(), config.read(60, 36), "with zeroes for padding");
        assertArrayEquals(new byte[12], new BlkConfigSpace(disk(Zoned.NONE, true)).read(60, 12));
    }

    @Test
    @Tag("virtio-1.3-5.2.5/zoned-not-accepted")
    void hidesItsZonesFromADriverThatDoesNotKnowThem() {
        BlkConfigSpace config = new BlkConfigSpace(disk(new Zoned(Z_HA, 2048, 3, 4, 128, 512), false));
        assertEquals(Z_HA, config.read(92, 1)[0], "before anything is negotiated");
        byte[] before = config.read(0, 72);
        config.accepted(F_FLUSH);
        assertArrayEquals(new byte[24], config.read(72, 24));
        assertArrayEquals(before, config.read(0, 72));
        assertArrayEquals(Arrays.copyOf(Arrays.copyOfRange(before, 60, 72), 196), config.read(60, 196));
        config.accepted(F_ZONED);
        assertEquals(Z_HA, config.read(92, 1)[0]);
        config.accepted(0);
        config.driverGone();
        assertEquals(Z_HA, config.read(92, 1)[0], "the next driver");
    }

    @Test
    @Tag("virtio-1.3-5.2.5/host-managed-not-accepted")
    void refusesADriverOfHostManagedZonesThatDoesNotKnowThem() {
        BlkProperties managed = disk(ZONED, false);
        assertThrows(IllegalArgumentException.class, () -> BlkFeatures.checkZoned(managed, F_FLUSH));
        assertDoesNotThrow(() -> BlkFeatures.checkZoned(managed, F_ZONED));
        assertDoesNotThrow(() -> BlkFeatures.checkZoned(disk(new Zoned(Z_HA, 2048, 3, 4, 128, 512), false), 0));
        assertDoesNotThrow(() -> BlkFeatures.checkZoned(Devices.disk(512), 0));
    }

    @Test
    @Tag("virtio-1.3-5.2.3/15-lifetime")
    @Tag("virtio-1.3-5.2.3/16-secure-erase")
    @Tag("virtio-1.3-5.2.3/17-zoned")
    @Tag("virtio-1.3-5.2.5/not-zoned")
    void offersWhatFewDevicesHaveWhereItIs() {
        long rare = F_LIFETIME | F_SECURE_ERASE | F_ZONED;
        assertEquals(0, BlkFeatures.offered(Devices.disk(512), 0) & rare);
        assertEquals(rare, BlkFeatures.offered(disk(ZONED, false), 0) & rare);
        assertEquals(F_LIFETIME | F_ZONED, BlkFeatures.offered(disk(ZONED, true), 0) & rare, "nothing is erased");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/zoned-not-negotiated")
    void answersRequestsOnZonesAsUnsupportedWhenZonesWereNotNegotiated() {
        for (BlkProperties properties : new BlkProperties[] {disk(ZONED, false), disk(Zoned.NONE, false)}) {
            use(properties, F_FLUSH);
            for (int type : ON_ZONES) {
                assertEquals(S_UNSUPP, judge.of(type, 0, readable(judge.data, 512), writable(judge.data, 512)), "type " + type);
            }
        }
        use(disk(Zoned.NONE, false), F_ZONED);
        for (int type : ON_ZONES) assertEquals(S_UNSUPP, judge.of(type, 0), "a device without zones, type " + type);
    }

    @Test
    @Tag("virtio-1.3-5.2.6/zone-commands")
    void passesZoneCommandsOnWithTheirSector() {
        for (int type : COMMANDS) {
            assertEquals(PROCEED, judge.of(type, 4096));
            assertEquals(4096 * 512, judge.request.offsetBytes());
            assertEquals(0, judge.request.lengthBytes());
            assertEquals(0, judge.request.data().count());
            for (long sector : new long[] {SECTORS, -1, Long.MIN_VALUE, 1L << 55}) {
                assertEquals(S_ZONE_INVALID_CMD, judge.of(type, sector));
                assertTrue(judge.request.outOfRange());
            }
        }
        assertEquals(PROCEED, judge.of(T_ZONE_RESET_ALL, -1), "its sector is not used");
        for (int type : new int[] {17, 19, 21, 23, 25, 27}) assertEquals(S_UNSUPP, judge.of(type, 0));
    }

    @Test
    void failsWhatChangesTheZonesOfAReadOnlyDevice() {
        use(disk(ZONED, true), F_ZONED);
        for (int type : COMMANDS) assertEquals(S_IOERR, judge.of(type, 0));
        assertEquals(S_IOERR, judge.of(T_ZONE_RESET_ALL, 0));
        assertEquals(S_IOERR, judge.of(T_ZONE_APPEND, 0, readable(judge.data, 512), writable(judge.data, 8)));
        assertEquals(S_IOERR, judge.of(T_SECURE_ERASE, new Segment(0, 2048, 0)));
        assertEquals(PROCEED, judge.of(T_ZONE_REPORT, 0, writable(judge.data, 128)));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/append-sector")
    void takesAnAppendsDataAndPutsItsSectorBeforeTheStatus() {
        assertEquals(PROCEED, judge.of(T_ZONE_APPEND, 2048, readable(judge.data, 1024), writable(judge.data + 4096, 8)));
        assertEquals(2048 * 512, judge.request.offsetBytes());
        assertEquals(1024, judge.request.lengthBytes());
        assertEquals(1024, judge.request.data().totalBytes());
        judge.request.putAnswer(0x0102030405060708L);
        assertEquals(0x0102030405060708L, Memory.getLong(judge.guest.host(judge.data + 4096)));
        assertEquals(9, judge.request.complete(S_OK));
    }

    /** Linux's header for it is 16 bytes long, with the sector at its start and the status in its last byte. */
    @Test
    void putsAnAppendsSectorAtTheStartOfALongerAnswerAndAcrossCuts() {
        long answer = judge.data + 4096;
        Memory.fill(judge.guest.host(answer), 16, 0x55);
        assertEquals(PROCEED, judge.of(T_ZONE_APPEND, 2048, readable(judge.data, 512), writable(answer, 15)));
        judge.request.putAnswer(77);
        assertEquals(77, Memory.getLong(judge.guest.host(answer)));
        assertEquals(0x55, Memory.getU8(judge.guest.host(answer + 8)));
        assertEquals(8, judge.request.complete(S_OK), "what was written without a gap");
        assertEquals(PROCEED, judge.of(T_ZONE_APPEND, 2048, readable(judge.data, 512), writable(answer, 3),
                writable(answer + 100, 5)));
        judge.request.putAnswer(0x0102030405060708L);
        assertEquals(0x060708, Memory.getU8(judge.guest.host(answer)) | Memory.getU8(judge.guest.host(answer + 1)) << 8
                | Memory.getU8(judge.guest.host(answer + 2)) << 16);
        assertEquals(1, Memory.getU8(judge.guest.host(answer + 104)));
        assertEquals(9, judge.request.complete(S_OK));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/append-limit")
    void refusesAppendsThatAreTooLongOrNone() {
        assertEquals(PROCEED, judge.of(T_ZONE_APPEND, 0, readable(judge.data, 65536), writable(judge.data, 8)));
        assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_APPEND, 0, readable(judge.data, 66048), writable(judge.data, 8)));
        for (int bytes : new int[] {1, 511, 513}) {
            assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_APPEND, 0, readable(judge.data, bytes), writable(judge.data, 8)));
        }
        assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_APPEND, 0, writable(judge.data, 8)));
        assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_APPEND, 0, readable(judge.data, 512), writable(judge.data, 7)));
        assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_APPEND, SECTORS, readable(judge.data, 512), writable(judge.data, 8)));
        use(disk(new Zoned(Z_HM, 2048, 0, 0, 0, 512), false), F_ZONED);
        assertEquals(S_UNSUPP, judge.of(T_ZONE_APPEND, 0, readable(judge.data, 512), writable(judge.data, 8)));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/zone-report")
    void writesAReportAsLongAsThereIsRoom() {
        long out = judge.data;
        Memory.fill(judge.guest.host(out), 1024, 0x55);
        assertEquals(PROCEED, judge.of(T_ZONE_REPORT, 5, writable(out, 64 + 2 * 64 + 63)));
        assertEquals(5 * 512, judge.request.offsetBytes());
        ZoneReport report = new ZoneReport();
        report.begin(judge.request.data());
        assertTrue(report.add(2048 * 512, 1000 * 512, 2050 * 512, ZT_SWR, ZS_IOPEN));
        assertTrue(report.add(4096 * 512, 999 * 512, 4096 * 512, ZT_SWP, ZS_EMPTY));
        assertFalse(report.add(0, 0, 0, ZT_SWP, ZS_EMPTY), "half a descriptor is none");
        judge.request.reported(report.end());
        assertEquals(192, judge.request.complete(S_OK));
        ByteBuffer expected = ByteBuffer.allocate(192).order(ByteOrder.LITTLE_ENDIAN);
        expected.putLong(0, 2);
        expected.putLong(64, 1000).putLong(72, 2048).putLong(80, 2050).put(88, (byte) 2).put(89, (byte) 2);
        expected.putLong(128, 999).putLong(136, 4096).putLong(144, 4096).put(152, (byte) 3).put(153, (byte) 1);
        byte[] written = new byte[192];
        Memory.copy(judge.guest.host(out), written, 0, 192);
        assertArrayEquals(expected.array(), written);
        assertEquals(0x55, Memory.getU8(judge.guest.host(out + 192)));
    }

    @Test
    void writesAReportAcrossCutsAndOneOfNoZone() {
        long out = judge.data;
        assertEquals(PROCEED, judge.of(T_ZONE_REPORT, 0, writable(out, 7), writable(out + 512, 100), writable(out + 1024, 149)));
        ZoneReport report = new ZoneReport();
        for (int round = 0; round < 2; round++) {
            report.begin(judge.request.data());
            for (int zone = 1; zone <= 3; zone++) assertTrue(report.add(zone * 512L, 512, zone * 512L, ZT_SWR, ZS_CLOSED));
            assertEquals(256, report.end());
        }
        byte[] all = new byte[256];
        Memory.copy(judge.guest.host(out), all, 0, 7);
        Memory.copy(judge.guest.host(out + 512), all, 7, 100);
        Memory.copy(judge.guest.host(out + 1024), all, 107, 149);
        ByteBuffer little = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(3, little.getLong(0));
        for (int zone = 1; zone <= 3; zone++) assertEquals(zone, little.getLong(64 * zone + 8));

        assertEquals(PROCEED, judge.of(T_ZONE_REPORT, 0, writable(out, 64)));
        report.begin(judge.request.data());
        assertFalse(report.add(0, 0, 0, ZT_SWR, ZS_EMPTY));
        assertEquals(64, report.end());
        assertEquals(0, Memory.getLong(judge.guest.host(out)));
        assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_REPORT, 0, writable(out, 63)), "no room for its header");
        assertEquals(S_ZONE_INVALID_CMD, judge.of(T_ZONE_REPORT, SECTORS, writable(out, 640)));
    }

    @Test
    void answersSoManyZonesAtOnceAndNoMore() {
        assertEquals(PROCEED, judge.of(T_ZONE_REPORT, 0, writable(judge.data, Judge.DATA_BYTES)));
        ZoneReport report = new ZoneReport();
        report.begin(judge.request.data());
        int zones = 0;
        while (report.add(0, 0, 0, ZT_SWR, ZS_EMPTY)) zones++;
        assertEquals(ZoneReport.ZONES_MAX, zones);
    }

    @Test
    @Tag("virtio-1.3-5.2.6/secure-erase")
    @Tag("virtio-1.3-5.2.6.1/secure-erase-segments")
    @Tag("virtio-1.3-5.2.6.2/unknown-flags")
    void judgesErasures() {
        Segment[] many = new Segment[17];
        Arrays.setAll(many, i -> new Segment(2048L * i, 2048, 0));
        assertEquals(PROCEED, judge.of(T_SECURE_ERASE, Arrays.copyOf(many, 16)));
        assertEquals(16, judge.request.rangeCount());
        assertEquals(S_UNSUPP, judge.of(T_SECURE_ERASE, many));
        assertEquals(S_UNSUPP, judge.of(T_SECURE_ERASE, new Segment(0, 2048, 1)), "unmap is for zeroes");
        assertEquals(S_UNSUPP, judge.of(T_SECURE_ERASE, new Segment(0, 2048, 2)));
        assertEquals(S_IOERR, judge.of(T_SECURE_ERASE, new Segment(0, 4097, 0)));
        assertEquals(S_IOERR, judge.of(T_SECURE_ERASE, new Segment(SECTORS, 2048, 0)));
        use(Devices.disk(SECTORS * 512), 0);
        assertEquals(S_UNSUPP, judge.of(T_SECURE_ERASE, new Segment(0, 2048, 0)));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/lifetime")
    void asksForTheLifetimeWhereThereIsRoomForIt() {
        assertEquals(PROCEED, judge.of(T_GET_LIFETIME, 0, writable(judge.data, 6)));
        judge.request.putAnswer(0x0003_0002_0001L);
        assertEquals(1, Memory.getU16(judge.guest.host(judge.data)));
        assertEquals(2, Memory.getU16(judge.guest.host(judge.data + 2)));
        assertEquals(3, Memory.getU16(judge.guest.host(judge.data + 4)));
        assertEquals(7, judge.request.complete(S_OK));
        assertEquals(S_IOERR, judge.of(T_GET_LIFETIME, 0, writable(judge.data, 5)));
        use(Devices.disk(SECTORS * 512), 0);
        assertEquals(S_UNSUPP, judge.of(T_GET_LIFETIME, 0, writable(judge.data, 6)));
    }

    @Test
    void refusesDevicesThatCannotBe() {
        assertThrows(IllegalArgumentException.class, () -> new Zoned(3, 1, 0, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new Zoned(Z_HM, 0, 0, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new Zoned(Z_HM, 1, 0, 0, 0, 500));
        assertThrows(IllegalArgumentException.class, () -> new Zoned(Z_HM, 1, -1, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new SecureErase(true, 8, 1, 0));
    }
}
