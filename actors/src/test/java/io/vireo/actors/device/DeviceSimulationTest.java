package io.vireo.actors.device;

import static io.vireo.actors.device.Mutant.mistake;
import static io.vireo.actors.device.Mutant.nothing;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every request is answered once and rightly, whatever the schedule: {@link DeviceSimulation} says what is drawn.
 * {@code -Dvireo.seed=N} repeats a run; a failure names its world's own seed, with which it is the first.
 */
@Timeout(value = 1, unit = TimeUnit.HOURS)
class DeviceSimulationTest {
    private static final int SOAK = Integer.getInteger("vireo.soak", 1);
    /** A few seconds, or millions. */
    private static final long SCHEDULES = SOAK == 1 ? 10_000 : 100_000L * SOAK;
    /** A mutant that lives through so many is not caught. */
    private static final long SCHEDULES_OF_A_MUTANT = 20_000;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    @Test
    @Tag("virtio-1.3-2.7.8.2")
    @Tag("virtio-1.3-2.7.10")
    @Tag("virtio-1.3-2.8.10")
    @Tag("virtio-1.3-2.4.1/silent")
    @Tag("virtio-1.3-2.6.1.1.1/reset")
    @Tag("virtio-1.3-2.7.4.1/framing")
    @Tag("virtio-1.3-2.7.5.1/readable-unwritten")
    @Tag("virtio-1.3-2.7.7.2/used-event")
    @Tag("virtio-1.3-2.7.8.2/len-first")
    @Tag("virtio-1.3-2.7.8.2/len-written")
    @Tag("virtio-1.3-2.7.10.2/spurious")
    @Tag("virtio-1.3-2.7.10.2/lost")
    @Tag("virtio-1.3-2.8.10/call")
    @Tag("virtio-1.3-2.8.10/kick")
    @Tag("virtio-1.3-2.8.12/order")
    @Tag("virtio-1.3-2.8.15/readable-unwritten")
    @Tag("virtio-1.3-2.8.15/unchanged")
    @Tag("virtio-1.3-6.2/in-order")
    void answersEveryRequestOnceAndRightlyUnderEverySchedule() throws Throwable {
        System.out.println("DeviceSimulationTest seed " + SEED + " (-Dvireo.seed), schedules " + SCHEDULES);
        try {
            long completed = new SteppedClasses(null).run(SEED, SCHEDULES);
            assertTrue(completed > SCHEDULES, "completed " + completed);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    static Stream<Mutant> mutants() {
        String split = "virtio.queue.SplitVirtqueue";
        String packed = "virtio.queue.PackedVirtqueue";
        String slot = "actors.device.RequestSlot";
        return Stream.of(
                Mutant.of("the used index is shown before its elements", split, "writeUsed",
                        Map.of("putLong", mistake("putLongLater"), "putU16Release", mistake("releaseTooEarly"))),
                Mutant.of("a used descriptor is marked before it is written", packed, "writeUsed",
                        Map.of("putInt", mistake("putIntLater"), "putU16", mistake("putU16Later"), "putU16Release",
                                mistake("releaseTooEarly"))),
                Mutant.of("a call comes one element too late", split, "needsCall",
                        Map.of("needEvent", mistake("needEventOneLater"))),
                Mutant.of("nobody looks again after asking for kicks", split, "enableKicks", Map.of("refresh", nothing())),
                Mutant.of("nobody looks again after asking for kicks on a packed ring", packed, "enableKicks",
                        Map.of("hasAvailable", nothing())),
                Mutant.of("kicks are never asked for", split, "writeKicks", Map.of("putU16", mistake("putU16Never"))),
                Mutant.of("a flush flushes nothing", slot, "toNode", Map.of("flush", mistake("noFlush"))),
                Mutant.of("a write-through write is not durable", slot, "toNode", Map.of("write", mistake("notDurable"))),
                Mutant.of("a request is answered twice", slot, "finished", Map.of("completed", mistake("completedTwice"))),
                Mutant.of("the rest of a failed request goes where it began", slot, "restToNode",
                        Map.of("movedBytes", nothing())),
                Mutant.of("the status is never written", "virtio.blk.BlkRequest", "complete",
                        Map.of("putU8", mistake("putU8Never"))),
                Mutant.of("the used length is one too many", "actors.device.DeviceShard", "answer",
                        Map.of("pushUsed", mistake("pushUsedOneByteLonger"))),
                Mutant.of("a queue stops with requests in flight", "actors.device.ServedVirtqueue", "finishStop",
                        Map.of("inFlight", nothing())));
    }

    @ParameterizedTest
    @MethodSource("mutants")
    void findsTheMistake(Mutant mutant) throws Exception {
        SteppedClasses classes = new SteppedClasses(mutant);
        InvocationTargetException found =
                assertThrows(InvocationTargetException.class, () -> classes.run(SEED, SCHEDULES_OF_A_MUTANT), mutant.name());
        assertTrue(found.getCause() instanceof AssertionError, () -> "seed " + SEED + ": " + found.getCause());
        System.out.println(mutant + ": " + found.getCause().getMessage());
    }
}
