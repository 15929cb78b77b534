package io.vireo.posix.uring;

import static io.vireo.posix.uring.UringLayout.*;

import io.vireo.posix.Errno;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UringCalls;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * Whether io_uring can be used here, and with which operations.
 *
 * @param available everything that {@link IoUring} prepares for a block device's file is there
 * @param reason why it is not, for a log line; empty when it is
 * @param opcodes the numbers of the operations this kernel has
 */
public record Probe(boolean available, String reason, BitSet opcodes) {
    private static final int[] NEEDED = {
        IORING_OP_NOP, IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE,
        IORING_OP_ASYNC_CANCEL, IORING_OP_FALLOCATE, IORING_OP_READ, IORING_OP_WRITE,
    };
    private static final Path DISABLED = Path.of("/proc/sys/kernel/io_uring_disabled");

    static Probe run() {
        UringCalls calls = new UringCalls();
        try (RingMemory ring = RingMemory.create(calls, new Options(2, 4));
                NativeBlock block = NativeBlock.allocate(PROBE_HEADER_BYTES + PROBE_OP_BYTES * PROBE_OPS_MAX, 8)) {
            int result = calls.register(ring.fd.number(), IORING_REGISTER_PROBE, block.address(), PROBE_OPS_MAX);
            if (result < 0) return refused("io_uring_register: " + Errno.describe(-result));
            return judge(supported(block.address()));
        } catch (PosixException e) {
            return refused(reason(e.errno(), sysctl(), e.getMessage()));
        }
    }

    static Probe judge(BitSet opcodes) {
        for (int opcode : NEEDED) {
            if (!opcodes.get(opcode)) return new Probe(false, "this kernel's io_uring has no operation " + opcode, opcodes);
        }
        return new Probe(true, "", opcodes);
    }

    /** Says what an administrator can look at, where the error number alone does not. */
    static String reason(int errno, String sysctl, String message) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES -> switch (sysctl) {
                case "2" -> message + " (sysctl kernel.io_uring_disabled=2 forbids it to everybody)";
                case "1" -> message + " (sysctl kernel.io_uring_disabled=1 forbids it to processes outside of"
                        + " kernel.io_uring_group)";
                default -> message + " (a seccomp filter or security module forbids it, as containers do)";
            };
            case Errno.ENOSYS -> message + " (the kernel has no io_uring, or a seccomp filter hides it)";
            case Errno.ENOMEM -> message + " (out of memory, or RLIMIT_MEMLOCK on a kernel before 5.12)";
            default -> message;
        };
    }

    private static Probe refused(String reason) {
        return new Probe(false, reason, new BitSet());
    }

    private static BitSet supported(long probe) {
        BitSet opcodes = new BitSet();
        int count = Memory.getU8(probe + 1);
        for (int i = 0; i < count; i++) {
            long op = probe + PROBE_HEADER_BYTES + (long) i * PROBE_OP_BYTES;
            if ((Memory.getU16(op + 2) & IO_URING_OP_SUPPORTED) != 0) opcodes.set(Memory.getU8(op));
        }
        return opcodes;
    }

    private static String sysctl() {
        // A sysctl file answers its first read only, and Files.readString begins with one byte.
        try (BufferedReader reader = Files.newBufferedReader(DISABLED)) {
            return reader.readLine();
        } catch (IOException e) {
            return ""; // a kernel before 6.6 has no such switch
        }
    }
}
