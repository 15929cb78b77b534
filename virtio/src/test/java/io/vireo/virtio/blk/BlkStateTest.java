package io.vireo.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class BlkStateTest {
    @Test
    void comesBackAsItWas() {
        for (boolean writeback : new boolean[] {false, true}) {
            BlkState state = new BlkState(writeback);
            assertEquals(state, BlkState.decode(state.encode()));
        }
    }

    @Test
    void refusesWhatItDidNotMake() {
        byte[] good = new BlkState(true).encode();
        for (int length : new int[] {0, 1, 11, 13, 4096}) assertNull(BlkState.decode(Arrays.copyOf(good, length)));
        for (int i = 0; i < good.length; i++) {
            byte[] bad = good.clone();
            bad[i] += 2;
            assertNull(BlkState.decode(bad), "byte " + i);
        }
    }
}
