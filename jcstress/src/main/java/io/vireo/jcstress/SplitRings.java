package io.vireo.jcstress;

import io.vireo.posix.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * What a driver and a device on two processors see of each other: what is published is seen whole, and of two that fall
 * asleep one is woken. The product's own rings; split virtqueues.
 */
public class SplitRings {
    private SplitRings() {}

    /** Notifications by flags. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "nothing is there yet")
    @Outcome(id = "7, 2", expect = Expect.ACCEPTABLE, desc = "all of it is")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a part of it")
    @State
    public static class AvailableFlags {
        private final Ring ring = Ring.of(0L);

        @Actor
        public void driver() {
            Memory.putLong(ring.data, 7);
            ring.offer();
        }

        @Actor
        public void device(LL_Result seen) {
            boolean there = ring.poll();
            seen.r1 = there ? Memory.getLong(ring.first) : 0L;
            seen.r2 = there ? ring.count : 0;
        }
    }

    @JCStressTest
    @Outcome(id = "-1, 0", expect = Expect.ACCEPTABLE, desc = "nothing is there yet")
    @Outcome(id = "8, 9", expect = Expect.ACCEPTABLE, desc = "all of it is")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a part of it")
    @State
    public static class UsedFlags {
        private final Ring ring = Ring.of(0L);

        public UsedFlags() {
            ring.offer();
            ring.poll();
        }

        @Actor
        public void device() {
            Memory.putLong(ring.data + 8, 9);
            ring.use();
        }

        @Actor
        public void driver(LL_Result seen) {
            boolean there = ring.driver.reap() >= 0;
            seen.r1 = there ? ring.driver.usedLengthBytes() : -1L;
            seen.r2 = there ? Memory.getLong(ring.data + 8) : 0L;
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "both fall asleep over a chain")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "it is kicked, or has looked again")
    @State
    public static class KickFlags {
        private final Ring ring = Ring.of(0L);

        public KickFlags() {
            ring.device.suppressKicks();
        }

        @Actor
        public void driver(ZZ_Result seen) {
            ring.offer();
            seen.r1 = ring.driver.kickNeeded();
        }

        @Actor
        public void device(ZZ_Result seen) {
            seen.r2 = ring.device.enableKicks();
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "both fall asleep over an answer")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "it is called, or has looked again")
    @State
    public static class CallFlags {
        private final Ring ring = Ring.of(0L);

        /** The first answer is always called for: it is the second that counts. */
        public CallFlags() {
            ring.offer();
            ring.poll();
            ring.use();
            ring.device.needsCall();
            ring.driver.reap();
            ring.driver.suppressCalls();
            ring.offer();
            ring.poll();
        }

        @Actor
        public void device(ZZ_Result seen) {
            ring.use();
            seen.r1 = ring.device.needsCall();
        }

        @Actor
        public void driver(ZZ_Result seen) {
            seen.r2 = ring.driver.armCall();
        }
    }

    /** With VIRTIO_F_EVENT_IDX. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "nothing is there yet")
    @Outcome(id = "7, 2", expect = Expect.ACCEPTABLE, desc = "all of it is")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a part of it")
    @State
    public static class AvailableEventIdx {
        private final Ring ring = Ring.of(1L << 29);

        @Actor
        public void driver() {
            Memory.putLong(ring.data, 7);
            ring.offer();
        }

        @Actor
        public void device(LL_Result seen) {
            boolean there = ring.poll();
            seen.r1 = there ? Memory.getLong(ring.first) : 0L;
            seen.r2 = there ? ring.count : 0;
        }
    }

    @JCStressTest
    @Outcome(id = "-1, 0", expect = Expect.ACCEPTABLE, desc = "nothing is there yet")
    @Outcome(id = "8, 9", expect = Expect.ACCEPTABLE, desc = "all of it is")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a part of it")
    @State
    public static class UsedEventIdx {
        private final Ring ring = Ring.of(1L << 29);

        public UsedEventIdx() {
            ring.offer();
            ring.poll();
        }

        @Actor
        public void device() {
            Memory.putLong(ring.data + 8, 9);
            ring.use();
        }

        @Actor
        public void driver(LL_Result seen) {
            boolean there = ring.driver.reap() >= 0;
            seen.r1 = there ? ring.driver.usedLengthBytes() : -1L;
            seen.r2 = there ? Memory.getLong(ring.data + 8) : 0L;
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "both fall asleep over a chain")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "it is kicked, or has looked again")
    @State
    public static class KickEventIdx {
        private final Ring ring = Ring.of(1L << 29);

        public KickEventIdx() {
            ring.device.suppressKicks();
        }

        @Actor
        public void driver(ZZ_Result seen) {
            ring.offer();
            seen.r1 = ring.driver.kickNeeded();
        }

        @Actor
        public void device(ZZ_Result seen) {
            seen.r2 = ring.device.enableKicks();
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "both fall asleep over an answer")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "it is called, or has looked again")
    @State
    public static class CallEventIdx {
        private final Ring ring = Ring.of(1L << 29);

        /** The first answer is always called for: it is the second that counts. */
        public CallEventIdx() {
            ring.offer();
            ring.poll();
            ring.use();
            ring.device.needsCall();
            ring.driver.reap();
            ring.driver.suppressCalls();
            ring.offer();
            ring.poll();
        }

        @Actor
        public void device(ZZ_Result seen) {
            ring.use();
            seen.r1 = ring.device.needsCall();
        }

        @Actor
        public void driver(ZZ_Result seen) {
            seen.r2 = ring.driver.armCall();
        }
    }
}
