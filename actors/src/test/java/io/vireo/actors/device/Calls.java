package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vireo.posix.EventFd;
import io.vireo.posix.PosixFile;
import java.util.Arrays;

/** What a hostile front-end can do to a call eventfd that it shares with us. */
final class Calls {
    private Calls() {}

    /** A write(2) to it waits until somebody reads it. */
    static void makeBlockingAndFull(EventFd call) {
        byte[] almostAll = new byte[8];
        Arrays.fill(almostAll, (byte) -1);
        almostAll[0] = -2;
        assertEquals(8, PosixFile.write(call.fd(), almostAll));
        PosixFile.setBlocking(call.fd());
    }
}
