package io.vireo.posix.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

class ProbeTest {
    @Test
    void findsWhatTheTestsNeed() {
        Probe probe = IoUring.probe();
        assertTrue(probe.available(), probe.reason());
        assertEquals("", probe.reason());
        assertTrue(probe.opcodes().get(UringLayout.IORING_OP_WRITEV));
        assertFalse(probe.opcodes().get(255));
    }

    @Test
    void namesAnOperationThatIsMissing() {
        BitSet opcodes = new BitSet();
        opcodes.set(0, 64);
        opcodes.clear(UringLayout.IORING_OP_FALLOCATE);
        Probe probe = Probe.judge(opcodes);
        assertFalse(probe.available());
        assertTrue(probe.reason().contains("17"), probe.reason());
    }

    @Test
    void saysWhoRefuses() {
        assertTrue(Probe.reason(Errno.EPERM, "2", "m").contains("io_uring_disabled=2"));
        assertTrue(Probe.reason(Errno.EPERM, "1", "m").contains("io_uring_group"));
        assertTrue(Probe.reason(Errno.EPERM, "0", "m").contains("seccomp"));
        assertTrue(Probe.reason(Errno.ENOSYS, "", "m").contains("no io_uring"));
        assertTrue(Probe.reason(Errno.ENOMEM, "", "m").contains("RLIMIT_MEMLOCK"));
        assertEquals("m", Probe.reason(Errno.EIO, "", "m"));
    }

    @Test
    void refusesSizesThatMakeNoSense() {
        assertThrows(IllegalArgumentException.class, () -> new Options(0, 4));
        assertThrows(IllegalArgumentException.class, () -> new Options(8, 4));
    }
}
