package io.vireo.jcstress;

import io.vireo.posix.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Mutants: the edge of sleep with the fence of one side or of both left out, which is to be seen: a store that waits in a
 * processor's buffer lets the load behind it pass on x86 as well. Without it {@link Rings} would prove nothing here.
 */
public class DroppedFence {
    private DroppedFence() {}

    /** An index and a wish, in lines of their own. */
    abstract static class Edge {
        private final Ring ring = Ring.next();
        final long index = ring.data;
        final long wish = ring.driver.deviceAddress();

        boolean publishes(boolean fence) {
            Memory.putU16Release(index, 1);
            if (fence) Memory.fullFence();
            return Memory.getU16(wish) != 0;
        }

        boolean asks(boolean fence) {
            Memory.putU16(wish, 1);
            if (fence) Memory.fullFence();
            return Memory.getU16Acquire(index) != 0;
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.ACCEPTABLE_INTERESTING, desc = "a wake-up is lost")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "one of them sees the other")
    @State
    public static class OfBoth extends Edge {
        @Actor
        public void driver(ZZ_Result seen) {
            seen.r1 = publishes(false);
        }

        @Actor
        public void device(ZZ_Result seen) {
            seen.r2 = asks(false);
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.ACCEPTABLE_INTERESTING, desc = "a wake-up is lost")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "one of them sees the other")
    @State
    public static class OfTheDevice extends Edge {
        @Actor
        public void driver(ZZ_Result seen) {
            seen.r1 = publishes(true);
        }

        @Actor
        public void device(ZZ_Result seen) {
            seen.r2 = asks(false);
        }
    }

    @JCStressTest
    @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "a wake-up is lost")
    @Outcome(expect = Expect.ACCEPTABLE, desc = "one of them sees the other")
    @State
    public static class OfNobody extends Edge {
        @Actor
        public void driver(ZZ_Result seen) {
            seen.r1 = publishes(true);
        }

        @Actor
        public void device(ZZ_Result seen) {
            seen.r2 = asks(true);
        }
    }
}
