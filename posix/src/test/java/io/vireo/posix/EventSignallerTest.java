package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An eventfd whose other owner is hostile cannot make its signaller wait. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EventSignallerTest {
    private final EventFd event = EventFd.create();
    private final NativeBlock count = NativeBlock.allocate(8, 8);

    @AfterEach
    void close() {
        event.close();
        count.close();
    }

    @Test
    void countsEverySignal() {
        try (EventSignaller signaller = EventSignaller.open()) {
            assertTrue(signaller.neverWaits(), "this host gives no AIO context");
            for (int i = 0; i < 10_000; i++) signaller.signal(event);
        }
        assertTrue(event.clear(count.address()));
        assertEquals(10_000, Memory.getLong(count.address()));
    }

    @Test
    void doesNotWaitForRoomInACountThatIsFullThoughTheDescriptorBlocks() {
        fill();
        PosixFile.setBlocking(event.fd());
        try (EventSignaller signaller = EventSignaller.open()) {
            for (int i = 0; i < 100; i++) signaller.signal(event);
        }
        assertTrue(event.clear(count.address()));
        assertEquals(-1, Memory.getLong(count.address()), "at its maximum, where it stays");
    }

    /** Not an eventfd: the kernel refuses it as the place to count up, and the write takes over. */
    @Test
    void writesToWhatIsNoEventfd() {
        try (EventSignaller signaller = EventSignaller.open();
                EventFd file = EventFd.owning(Memfd.create("vireo-signaller-test", 0))) {
            signaller.signal(file);
            assertEquals(8, PosixFile.status(file.fd()).sizeBytes());
        }
    }

    private void fill() {
        byte[] almostAll = new byte[8];
        Arrays.fill(almostAll, (byte) -1);
        almostAll[0] = -2;
        assertEquals(8, PosixFile.write(event.fd(), almostAll));
    }
}
