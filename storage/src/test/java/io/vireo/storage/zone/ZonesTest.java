package io.vireo.storage.zone;

import static io.vireo.storage.zone.ZoneCommand.CLOSE;
import static io.vireo.storage.zone.ZoneCommand.FINISH;
import static io.vireo.storage.zone.ZoneCommand.OPEN;
import static io.vireo.storage.zone.ZoneCommand.RESET;
import static io.vireo.storage.zone.ZoneErrno.ACTIVE_RESOURCE;
import static io.vireo.storage.zone.ZoneErrno.INVALID_COMMAND;
import static io.vireo.storage.zone.ZoneErrno.OPEN_RESOURCE;
import static io.vireo.storage.zone.ZoneErrno.UNALIGNED_WRITE_POINTER;
import static io.vireo.storage.zone.ZoneModel.HOST_AWARE;
import static io.vireo.storage.zone.ZoneModel.HOST_MANAGED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ZonesTest {
    private static final long ZONE = 64 << 10;
    private static final long CAPACITY = 48 << 10;
    private static final int COUNT = 8;

    private final List<String> erased = new ArrayList<>();

    private Zones zones(ZoneModel model, int conventional, int maxOpen, int maxActive) {
        return new Zones(new ZoneLimits(model, ZONE, CAPACITY, conventional, maxOpen, maxActive, 8192, 4096), COUNT * ZONE,
                (offset, length) -> erased.add(offset / ZONE + ":" + length));
    }

    private static String state(Zones zones, int zone) {
        String[] seen = new String[1];
        zones.report(zone * ZONE, (start, _, writePointer, _, state) -> {
            seen[0] = state + " " + (writePointer - start);
            return false;
        });
        return seen[0];
    }

    @Test
    @Tag("virtio-1.3-5.2.6/zone-types")
    void reportsItsZonesFromTheOneThatIsAskedFor() {
        Zones zones = new Zones(new ZoneLimits(HOST_MANAGED, ZONE, CAPACITY, 2, 0, 0, 0, 512), 3 * ZONE + 8192, (_, _) -> {});
        List<String> report = new ArrayList<>();
        assertEquals(0, zones.report(ZONE + 5, (start, capacity, writePointer, type, state) -> report.add(
                start + " " + capacity + " " + (writePointer - start) + " " + type + " " + state)));
        assertEquals(List.of(
                "65536 65536 0 CONVENTIONAL NOT_WRITE_POINTER",
                "131072 49152 0 SEQUENTIAL_WRITE_REQUIRED EMPTY",
                "196608 8192 0 SEQUENTIAL_WRITE_REQUIRED EMPTY"), report);
        assertEquals(INVALID_COMMAND, zones.report(3 * ZONE + 8192, (_, _, _, _, _) -> true));
        assertEquals(INVALID_COMMAND, zones.report(-1, (_, _, _, _, _) -> true));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/empty-to-implicitly-open")
    @Tag("virtio-1.3-5.2.6/full-by-writing")
    void opensAZoneWithItsFirstWriteAndFillsItWithItsLast() {
        Zones zones = zones(HOST_MANAGED, 0, 0, 0);
        assertEquals(0, zones.write(ZONE, 4096));
        assertEquals("IMPLICITLY_OPEN 4096", state(zones, 1));
        assertEquals(0, zones.write(ZONE + 4096, CAPACITY - 8192));
        assertEquals("IMPLICITLY_OPEN " + (CAPACITY - 4096), state(zones, 1));
        assertEquals(0, zones.write(ZONE + CAPACITY - 4096, 4096));
        assertEquals("FULL " + CAPACITY, state(zones, 1));
        assertEquals(INVALID_COMMAND, zones.write(ZONE + CAPACITY, 4096));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/unaligned-write")
    void refusesAWriteThatIsNotAtTheWritePointer() {
        Zones zones = zones(HOST_MANAGED, 0, 0, 0);
        assertEquals(UNALIGNED_WRITE_POINTER, zones.write(4096, 4096));
        assertEquals("EMPTY 0", state(zones, 0));
        assertEquals(0, zones.write(0, 8192));
        for (long at : new long[] {0, 4096, 12288}) assertEquals(UNALIGNED_WRITE_POINTER, zones.write(at, 4096));
        assertEquals(UNALIGNED_WRITE_POINTER, zones.write(8192, 512), "less than the granularity");
        assertEquals("IMPLICITLY_OPEN 8192", state(zones, 0));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/beyond-zone-capacity")
    void refusesAWriteBeyondAZonesCapacity() {
        Zones zones = zones(HOST_MANAGED, 0, 0, 0);
        assertEquals(INVALID_COMMAND, zones.write(0, CAPACITY + 4096));
        assertEquals("EMPTY 0", state(zones, 0));
        zones.write(0, CAPACITY - 4096);
        assertEquals(INVALID_COMMAND, zones.write(CAPACITY - 4096, 8192));
        assertEquals(-INVALID_COMMAND, zones.append(0, 8192));
        assertEquals("IMPLICITLY_OPEN " + (CAPACITY - 4096), state(zones, 0));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/crosses-zones")
    void refusesReadsAndWritesThatCrossIntoOrOutOfARequiredZone() {
        Zones zones = zones(HOST_MANAGED, 2, 0, 0);
        assertEquals(0, zones.read(0, 2 * ZONE), "conventional ones");
        assertEquals(0, zones.write(4096, 2 * ZONE - 4096));
        assertEquals(INVALID_COMMAND, zones.read(2 * ZONE - 512, 1024));
        assertEquals(INVALID_COMMAND, zones.read(3 * ZONE - 512, 1024));
        assertEquals(INVALID_COMMAND, zones.write(2 * ZONE - 4096, 8192));
        assertEquals("EMPTY 0", state(zones, 2));
        assertEquals(0, zones.read(2 * ZONE, ZONE), "all of one, written or not");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/append")
    void appendsAtTheWritePointerAndTellsWhere() {
        Zones zones = zones(HOST_MANAGED, 1, 0, 0);
        assertEquals(ZONE, zones.append(ZONE, 8192));
        assertEquals(ZONE + 8192, zones.append(ZONE, 4096));
        assertEquals("IMPLICITLY_OPEN 12288", state(zones, 1));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/append-not-required-zone")
    @Tag("virtio-1.3-5.2.6.2/append-zone-start")
    @Tag("virtio-1.3-5.2.6.2/append-limit")
    void refusesAppendsThatAreNone() {
        Zones zones = zones(HOST_MANAGED, 1, 0, 0);
        assertEquals(-INVALID_COMMAND, zones.append(0, 4096), "a conventional zone");
        assertEquals(-INVALID_COMMAND, zones(HOST_AWARE, 0, 0, 0).append(0, 4096), "a preferred zone");
        assertEquals(-INVALID_COMMAND, zones.append(ZONE + 4096, 4096), "not its lowest sector");
        assertEquals(-INVALID_COMMAND, zones.append(ZONE, 12288), "more than one append may have");
        assertEquals(-INVALID_COMMAND, zones.append(ZONE, 0));
        assertEquals(-INVALID_COMMAND, zones.append(COUNT * ZONE, 4096));
        assertEquals(-UNALIGNED_WRITE_POINTER, zones.append(ZONE, 512));
        Zones without = new Zones(new ZoneLimits(HOST_MANAGED, ZONE, ZONE, 0, 0, 0, 0, 512), ZONE, (_, _) -> {});
        assertEquals(-Errno.EOPNOTSUPP, without.append(0, 512));
        assertEquals("EMPTY 0", state(zones, 1));
    }

    @Test
    @Tag("virtio-1.3-5.2.6/explicit-open")
    @Tag("virtio-1.3-5.2.6/close")
    void opensAndClosesExplicitly() {
        Zones zones = zones(HOST_MANAGED, 0, 0, 0);
        assertEquals(0, zones.command(OPEN, 0));
        assertEquals("EXPLICITLY_OPEN 0", state(zones, 0));
        assertEquals(0, zones.command(OPEN, 0));
        assertEquals(0, zones.command(CLOSE, 0));
        assertEquals("EMPTY 0", state(zones, 0), "nothing was written");

        zones.command(OPEN, 0);
        zones.write(0, 4096);
        assertEquals("EXPLICITLY_OPEN 4096", state(zones, 0));
        assertEquals(0, zones.command(CLOSE, 0));
        assertEquals("CLOSED 4096", state(zones, 0));
        assertEquals(0, zones.command(CLOSE, 0));
        assertEquals(0, zones.command(OPEN, 0));
        assertEquals("EXPLICITLY_OPEN 4096", state(zones, 0));

        zones.write(ZONE, 4096);
        assertEquals(0, zones.command(OPEN, ZONE), "from implicitly open");
        assertEquals("EXPLICITLY_OPEN 4096", state(zones, 1));
        zones.command(CLOSE, ZONE);
        zones.write(ZONE + 4096, 4096);
        assertEquals("IMPLICITLY_OPEN 8192", state(zones, 1), "a closed one is opened by a write");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/open-impossible")
    @Tag("virtio-1.3-5.2.6.2/close-impossible")
    void refusesTransitionsThatThereAreNot() {
        Zones zones = zones(HOST_MANAGED, 0, 0, 0);
        assertEquals(INVALID_COMMAND, zones.command(CLOSE, 0), "an empty one");
        zones.command(FINISH, 0);
        assertEquals(INVALID_COMMAND, zones.command(OPEN, 0), "a full one");
        assertEquals(INVALID_COMMAND, zones.command(CLOSE, 0), "a full one");
        assertEquals("FULL " + CAPACITY, state(zones, 0));
        for (ZoneCommand command : ZoneCommand.values()) {
            assertEquals(INVALID_COMMAND, zones.command(command, ZONE + 512), "within a zone");
            assertEquals(INVALID_COMMAND, zones.command(command, COUNT * ZONE), "past the end");
            assertEquals(INVALID_COMMAND, zones.command(command, -ZONE));
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/finish")
    void finishesWhateverCanBeWritten() {
        Zones zones = zones(HOST_MANAGED, 0, 4, 4);
        zones.write(0, 4096);
        zones.command(OPEN, ZONE);
        zones.write(2 * ZONE, 4096);
        zones.command(CLOSE, 2 * ZONE);
        for (int zone = 0; zone < 4; zone++) {
            assertEquals(0, zones.command(FINISH, zone * ZONE));
            assertEquals("FULL " + CAPACITY, state(zones, zone));
            assertEquals(0, zones.command(FINISH, zone * ZONE), "a full one stays full");
        }
        for (int zone = 4; zone < 8; zone++) assertEquals(0, zones.command(OPEN, zone * ZONE), "full ones take no resource");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/reset")
    void resetsFromEveryStateAndErasesWhatWasWritten() {
        Zones zones = zones(HOST_MANAGED, 1, 4, 4);
        zones.write(ZONE, 8192);
        zones.command(OPEN, 2 * ZONE);
        zones.write(3 * ZONE, 4096);
        zones.command(CLOSE, 3 * ZONE);
        zones.command(FINISH, 4 * ZONE);
        for (int zone = 1; zone < 6; zone++) {
            assertEquals(0, zones.command(RESET, zone * ZONE));
            assertEquals("EMPTY 0", state(zones, zone));
        }
        assertEquals(List.of("1:8192", "2:0", "3:4096", "4:" + CAPACITY), erased);
        for (int zone = 1; zone < 5; zone++) assertEquals(0, zones.command(OPEN, zone * ZONE), "resources came back");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/reset-all")
    void resetsAllThatHaveNotFailed() {
        Zones zones = zones(HOST_MANAGED, 1, 0, 0);
        for (int zone = 1; zone < 6; zone++) zones.write(zone * ZONE, 4096);
        zones.command(CLOSE, 2 * ZONE);
        zones.command(FINISH, 3 * ZONE);
        zones.fail(4, ZoneState.READ_ONLY);
        zones.fail(5, ZoneState.OFFLINE);
        assertEquals(0, zones.resetAll());
        for (int zone : new int[] {1, 2, 3, 6, 7}) assertEquals("EMPTY 0", state(zones, zone));
        assertEquals("NOT_WRITE_POINTER 0", state(zones, 0));
        assertEquals("READ_ONLY 4096", state(zones, 4));
        assertEquals("OFFLINE 4096", state(zones, 5));
        assertEquals(List.of("1:4096", "2:4096", "3:" + CAPACITY), erased);
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/conventional-command")
    void doesNothingToAConventionalZoneAsAWhole() {
        Zones zones = zones(HOST_MANAGED, 2, 0, 0);
        for (ZoneCommand command : ZoneCommand.values()) assertEquals(INVALID_COMMAND, zones.command(command, ZONE));
        assertEquals(0, zones.write(ZONE + 512, 512), "written anywhere, in any unit");
        assertEquals(0, zones.write(ZONE + 512, 512));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/open-resource")
    void refusesMoreOpenZonesThanItHas() {
        Zones zones = zones(HOST_MANAGED, 0, 2, 0);
        zones.command(OPEN, 0);
        zones.command(OPEN, ZONE);
        assertEquals(OPEN_RESOURCE, zones.command(OPEN, 2 * ZONE));
        assertEquals(OPEN_RESOURCE, zones.write(2 * ZONE, 4096));
        assertEquals(-OPEN_RESOURCE, zones.append(2 * ZONE, 4096));
        assertEquals("EMPTY 0", state(zones, 2));
        zones.command(CLOSE, 0);
        assertEquals(0, zones.write(2 * ZONE, 4096));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/active-resource")
    void refusesMoreActiveZonesThanItHasAndTellsThatFirst() {
        Zones zones = zones(HOST_MANAGED, 0, 2, 3);
        for (int zone = 0; zone < 3; zone++) zones.write(zone * ZONE, 4096);
        assertEquals(ACTIVE_RESOURCE, zones.write(3 * ZONE, 4096));
        assertEquals(ACTIVE_RESOURCE, zones.command(OPEN, 3 * ZONE));
        assertEquals(-ACTIVE_RESOURCE, zones.append(3 * ZONE, 4096));
        zones.command(OPEN, 0);
        zones.command(OPEN, ZONE);
        assertEquals(ACTIVE_RESOURCE, zones.command(OPEN, 3 * ZONE), "both are exceeded");
        zones.command(FINISH, 2 * ZONE);
        assertEquals(OPEN_RESOURCE, zones.command(OPEN, 3 * ZONE));
        zones.command(RESET, 0);
        assertEquals(0, zones.write(3 * ZONE, 4096));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/implicit-close")
    void closesTheZoneThatWasImplicitlyOpenedFirstToOpenAnother() {
        Zones zones = zones(HOST_MANAGED, 0, 3, 0);
        for (int zone = 0; zone < 3; zone++) zones.write(zone * ZONE, 4096);
        zones.command(OPEN, 0);
        assertEquals(0, zones.write(3 * ZONE, 4096));
        assertEquals("EXPLICITLY_OPEN 4096", state(zones, 0), "never one that the driver opened");
        assertEquals("CLOSED 4096", state(zones, 1));
        assertEquals(0, zones.command(OPEN, 4 * ZONE));
        assertEquals("CLOSED 4096", state(zones, 2));
        assertEquals("IMPLICITLY_OPEN 4096", state(zones, 3));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/read-only-zone")
    @Tag("virtio-1.3-5.2.6.2/offline-zone")
    void servesZonesThatHaveFailedNoMoreThanTheyCan() {
        for (ZoneModel model : new ZoneModel[] {HOST_MANAGED, HOST_AWARE}) {
            Zones zones = zones(model, 0, 2, 2);
            zones.write(0, 4096);
            zones.write(ZONE, 4096);
            zones.fail(0, ZoneState.READ_ONLY);
            zones.fail(1, ZoneState.OFFLINE);
            assertEquals(0, zones.read(0, 4096));
            assertEquals(INVALID_COMMAND, zones.read(ZONE, 4096));
            for (int zone = 0; zone < 2; zone++) {
                assertEquals(INVALID_COMMAND, zones.write(zone * ZONE + 4096, 4096));
                assertEquals(-INVALID_COMMAND, zones.append(zone * ZONE, 4096));
                for (ZoneCommand command : ZoneCommand.values()) {
                    assertEquals(INVALID_COMMAND, zones.command(command, zone * ZONE));
                }
            }
            assertEquals(0, zones.command(OPEN, 2 * ZONE), "they gave their resources back");
            assertEquals(0, zones.command(OPEN, 3 * ZONE));
            zones.fail(0, ZoneState.OFFLINE);
            assertThrows(IllegalArgumentException.class, () -> zones.fail(0, ZoneState.READ_ONLY), "offline for ever");
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6/preferred-zones")
    void takesRandomWritesToPreferredZones() {
        Zones zones = zones(HOST_AWARE, 0, 0, 0);
        assertEquals(0, zones.write(8192, 512));
        assertEquals("IMPLICITLY_OPEN 8704", state(zones, 0));
        assertEquals(0, zones.write(0, 512));
        assertEquals("IMPLICITLY_OPEN 8704", state(zones, 0), "behind what was written furthest");
        assertEquals(INVALID_COMMAND, zones.write(0, 2 * ZONE), "past a capacity that is less than the zone");
        Zones whole = new Zones(new ZoneLimits(HOST_AWARE, ZONE, ZONE, 0, 0, 0, 0, 512), 4 * ZONE, (_, _) -> {});
        assertEquals(0, whole.write(ZONE - 4096, ZONE + 8192), "across three zones");
        assertEquals("FULL " + ZONE, state(whole, 0));
        assertEquals("FULL " + ZONE, state(whole, 1));
        assertEquals("IMPLICITLY_OPEN 4096", state(whole, 2));
        assertEquals(0, whole.write(0, 512), "a full one too");
        assertEquals("FULL " + ZONE, state(whole, 0));
        assertEquals(0, whole.read(0, 4 * ZONE));
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/secure-erase-zones")
    void erasesWholeSequentialZonesByResettingThem() {
        Zones zones = zones(HOST_MANAGED, 1, 0, 0);
        for (int zone = 1; zone < 4; zone++) zones.write(zone * ZONE, 4096);
        assertEquals(INVALID_COMMAND, zones.erase(ZONE, ZONE + 512));
        assertEquals(INVALID_COMMAND, zones.erase(ZONE + 512, ZONE));
        assertEquals(INVALID_COMMAND, zones.erase(0, 2 * ZONE), "one of them conventional");
        zones.fail(3, ZoneState.READ_ONLY);
        assertEquals(INVALID_COMMAND, zones.erase(ZONE, 3 * ZONE));
        assertEquals(List.of(), erased);
        assertEquals(0, zones.erase(ZONE, 2 * ZONE));
        assertEquals("EMPTY 0", state(zones, 1));
        assertEquals("EMPTY 0", state(zones, 2));
        assertEquals(List.of("1:4096", "2:4096"), erased);
    }

    /** Whatever is asked, in whatever order: the resources in use are those that the states take. */
    @Test
    void neverLosesCountOfItsResources() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("ZonesTest: -Dvireo.seed=" + seed);
        Random random = new Random(seed);
        for (ZoneModel model : new ZoneModel[] {HOST_MANAGED, HOST_AWARE}) {
            Zones zones = zones(model, 1, 3, 5);
            for (int step = 0; step < 20_000; step++) {
                long start = random.nextInt(COUNT) * ZONE;
                switch (random.nextInt(7)) {
                    case 0, 1 -> zones.append(start, 4096);
                    case 2 -> {
                        long at = start + 4096L * random.nextInt(16);
                        zones.write(at, Math.min(COUNT * ZONE - at, 4096L * (1 + random.nextInt(4))));
                    }
                    case 3 -> {
                        if (random.nextInt(50) == 0) zones.resetAll();
                    }
                    default -> zones.command(ZoneCommand.values()[random.nextInt(4)], start);
                }
                int[] counts = new int[2];
                zones.report(0, (zoneStart, capacity, writePointer, _, state) -> {
                    if (state.isOpen()) counts[0]++;
                    if (state.isActive()) counts[1]++;
                    long written = writePointer - zoneStart;
                    assertTrue(state != ZoneState.EMPTY || written == 0);
                    assertTrue(state != ZoneState.CLOSED || written > 0 && written < capacity);
                    return true;
                });
                assertTrue(counts[0] <= 3 && counts[1] <= 5, "seed " + seed + " step " + step + ": " + counts[0] + " " + counts[1]);
            }
            zones.resetAll();
            for (int zone = 1; zone < 4; zone++) assertEquals(0, zones.command(OPEN, zone * ZONE), "seed " + seed);
            assertEquals(OPEN_RESOURCE, zones.command(OPEN, 4 * ZONE), "seed " + seed);
        }
    }

    @Test
    void refusesZonesThatCannotBe() {
        assertThrows(IllegalArgumentException.class, () -> new ZoneLimits(HOST_MANAGED, 3 << 20, 3 << 20, 0, 0, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new ZoneLimits(HOST_MANAGED, ZONE, 2 * ZONE, 0, 0, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new ZoneLimits(HOST_MANAGED, ZONE, 1000, 0, 0, 0, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new ZoneLimits(HOST_MANAGED, ZONE, ZONE, 0, 3, 2, 0, 512));
        assertThrows(IllegalArgumentException.class, () -> new ZoneLimits(HOST_MANAGED, ZONE, ZONE, 0, 0, 0, 100, 512));
        assertThrows(IllegalArgumentException.class, () -> zones(HOST_MANAGED, COUNT + 1, 0, 0));
        ZoneLimits tiny = new ZoneLimits(HOST_MANAGED, 512, 512, 0, 0, 0, 0, 512);
        assertThrows(IllegalArgumentException.class, () -> new Zones(tiny, 1L << 40, (_, _) -> {}));
    }
}
