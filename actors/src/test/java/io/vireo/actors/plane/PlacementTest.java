package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vireo.config.DeviceConfig;
import io.vireo.config.DeviceConfig.QueueAssignment;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PlacementTest {
    private static final DeviceConfig UNNAMED = DeviceConfig.of("vda", "d");

    @Test
    void goesRoundThePoolWhileAllAreEquallyLoaded() {
        Placement placement = new Placement(Set.of(), 3);
        assertEquals(List.of("default0", "default1"), placement.assign(UNNAMED, 2));
        assertEquals(List.of("default2", "default0", "default1"), placement.assign(UNNAMED, 3));
    }

    @Test
    void givesToTheOneWithTheFewestQueuesLeft() {
        Placement placement = new Placement(Set.of(), 2);
        List<String> first = placement.assign(UNNAMED, 1);
        placement.assign(UNNAMED, 1);
        placement.assign(UNNAMED, 1);
        placement.release(first);
        placement.release(first);
        assertEquals(List.of("default0", "default0", "default1"), placement.assign(UNNAMED, 3));
    }

    @Test
    void keepsThePoolApartFromConfiguredNames() {
        Placement placement = new Placement(Set.of("default0", "io0"), 2);
        assertEquals(List.of("default1", "default2", "default1"), placement.assign(UNNAMED, 3));
        assertEquals(List.of("io0", "io0"), placement.assign(UNNAMED.withIothread("io0"), 2));
    }

    @Test
    void takesTurnsBetweenEntriesWithoutQueues() {
        DeviceConfig mapped = UNNAMED.withIothreads(
                List.of(new QueueAssignment("b", List.of()), new QueueAssignment("a", List.of())));
        assertEquals(List.of("b", "a", "b"), new Placement(Set.of("a", "b"), 1).assign(mapped, 3));
    }

    @Test
    void followsEntriesThatNameTheirQueues() {
        DeviceConfig mapped = UNNAMED.withIothreads(
                List.of(new QueueAssignment("a", List.of(1, 2)), new QueueAssignment("b", List.of(0))));
        assertEquals(List.of("b", "a", "a"), new Placement(Set.of("a", "b"), 1).assign(mapped, 3));
    }

    @Test
    void needsAPoolOnlyForThoseWhoNameNothing() {
        Placement placement = new Placement(Set.of("io0"), 0);
        assertEquals(List.of("io0"), placement.assign(UNNAMED.withIothread("io0"), 1));
        assertThrows(NoSuchElementException.class, () -> placement.assign(UNNAMED, 1));
    }
}
