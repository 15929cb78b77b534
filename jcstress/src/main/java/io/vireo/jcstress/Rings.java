package io.vireo.jcstress;

import io.vireo.posix.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;

/**
 * What a driver and a device on two processors see of each other: what is published is seen whole, and of two that fall
 * asleep one is woken. The product's own rings, of each kind in turns; an outcome ends with the kind.
 */
public class Rings {
    private Rings() {}

    @JCStressTest
    @Outcome(id = "0, 0, .*", expect = Expect.ACCEPTABLE, desc = "nothing is there yet")
    @Outcome(id = "7, 2, .*", expect = Expect.ACCEPTABLE, desc = "all of it is")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a part of it")
    @State
    public static class Available {
        private final Ring ring = Ring.next();

        @Actor
        public void driver(LLL_Result seen) {
            Memory.putLong(ring.data, 7);
            ring.offer();
            seen.r3 = ring.kind;
        }

        @Actor
        public void device(LLL_Result seen) {
            boolean there = ring.poll();
            seen.r1 = there ? Memory.getLong(ring.first) : 0L;
            seen.r2 = there ? ring.count : 0;
        }
    }

    @JCStressTest
    @Outcome(id = "-1, 0, .*", expect = Expect.ACCEPTABLE, desc = "nothing is there yet")
    @Outcome(id = "8, 9, .*", expect = Expect.ACCEPTABLE, desc = "all of it is")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a part of it")
    @State
    public static class Used {
        private final Ring ring = Ring.next();

        public Used() {
            ring.offer();
            ring.poll();
        }

        @Actor
        public void device(LLL_Result seen) {
            Memory.putLong(ring.data + 8, 9);
            ring.use();
            seen.r3 = ring.kind;
        }

        @Actor
        public void driver(LLL_Result seen) {
            boolean there = ring.driver.reap() >= 0;
            seen.r1 = there ? ring.driver.usedLengthBytes() : -1L;
            seen.r2 = there ? Memory.getLong(ring.data + 8) : 0L;
        }
    }

    @JCStressTest
    @Outcome(id = "false, false, .*", expect = Expect.FORBIDDEN, desc = "both fall asleep over a chain")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "it is kicked, or has looked again")
    @State
    public static class Kick {
        private final Ring ring = Ring.next();

        public Kick() {
            ring.device.suppressKicks();
        }

        @Actor
        public void driver(LLL_Result seen) {
            ring.offer();
            seen.r1 = ring.driver.kickNeeded();
            seen.r3 = ring.kind;
        }

        @Actor
        public void device(LLL_Result seen) {
            seen.r2 = ring.device.enableKicks();
        }
    }

    @JCStressTest
    @Outcome(id = "false, false, .*", expect = Expect.FORBIDDEN, desc = "both fall asleep over an answer")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "it is called, or has looked again")
    @State
    public static class Call {
        private final Ring ring = Ring.next();

        /** The first answer is always called for: it is the second that counts. */
        public Call() {
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
        public void device(LLL_Result seen) {
            ring.use();
            seen.r1 = ring.device.needsCall();
            seen.r3 = ring.kind;
        }

        @Actor
        public void driver(LLL_Result seen) {
            seen.r2 = ring.driver.armCall();
        }
    }
}
