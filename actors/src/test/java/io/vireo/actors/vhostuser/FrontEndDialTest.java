package io.vireo.actors.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.UnixSocket;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class FrontEndDialTest {
    @TempDir
    private Path directory;

    private long now = 77;

    @Test
    void triesLessAndLessOftenAndAtOnceAgainAfterALongConnection() {
        Path path = directory.resolve("s");
        FrontEndDial dial = new FrontEndDial(
                path, new RateLimitedLog(LoggerFactory.getLogger(FrontEndDial.class), "vda", Map.of()), now);
        for (long pause = FrontEndDial.PAUSE_NANOS_MIN; pause < 2 * FrontEndDial.PAUSE_NANOS_MAX; pause *= 2) {
            assertEquals(0, dial.waitNanos(now));
            assertNull(dial.tryConnect(now));
            assertEquals(Math.min(pause, FrontEndDial.PAUSE_NANOS_MAX), dial.waitNanos(now));
            now += dial.waitNanos(now);
        }
        try (UnixSocket listening = UnixSocket.listen(path, 1)) {
            try (UnixSocket socket = dial.tryConnect(now)) {
                assertNotNull(socket);
            }
            now += 1000;
            dial.ended(now);
            assertEquals(FrontEndDial.PAUSE_NANOS_MAX, dial.waitNanos(now), "hung up on at once");
            now += FrontEndDial.PAUSE_NANOS_MAX;
            try (UnixSocket socket = dial.tryConnect(now)) {
                assertNotNull(socket);
                assertNotNull(listening.accept());
            }
            now += FrontEndDial.PAUSE_NANOS_MAX;
            dial.ended(now);
            assertEquals(FrontEndDial.PAUSE_NANOS_MIN, dial.waitNanos(now));
        }
    }
}
