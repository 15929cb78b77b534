package io.vireo.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/** A block node and the nodes below it, with QEMU's names. */
public sealed interface DriveConfig {
    String nodeName();

    boolean readOnly();

    /** Where it was described; of a file, where the file was named. */
    Origin origin();

    /** QEMU's name of the driver. */
    String driver();

    /** The node at the bottom of the chain. */
    default DriveConfig protocol() {
        return this instanceof RawDrive raw ? raw.file().protocol() : this;
    }

    /** A regular file. {@code filename} is absolute when it came from {@link ConfigLoader}. */
    record FileDrive(String nodeName, Path filename, FileOptions options, Origin origin) implements DriveConfig {
        public static FileDrive of(String nodeName, Path filename) {
            return new FileDrive(nodeName, filename, FileOptions.DEFAULT, Origin.PROGRAM);
        }

        @Override
        public boolean readOnly() {
            return options.readOnly();
        }

        @Override
        public String driver() {
            return "file";
        }
    }

    /** A block device of the host. */
    record HostDeviceDrive(String nodeName, Path filename, FileOptions options, Origin origin) implements DriveConfig {
        public static HostDeviceDrive of(String nodeName, Path filename) {
            return new HostDeviceDrive(nodeName, filename, FileOptions.DEFAULT, Origin.PROGRAM);
        }

        @Override
        public boolean readOnly() {
            return options.readOnly();
        }

        @Override
        public String driver() {
            return "host_device";
        }
    }

    /**
     * A window on another node; the whole node when nothing is said.
     *
     * @param offsetBytes a multiple of 512
     * @param sizeBytes a multiple of 512; empty = to the end
     */
    record RawDrive(
            String nodeName,
            DriveConfig file,
            long offsetBytes,
            OptionalLong sizeBytes,
            boolean readOnly,
            Origin origin)
            implements DriveConfig {
        public static RawDrive of(String nodeName, DriveConfig file) {
            return new RawDrive(nodeName, file, 0, OptionalLong.empty(), file.readOnly(), Origin.PROGRAM);
        }

        @Override
        public String driver() {
            return "raw";
        }
    }

    /** Holds nothing: writes vanish, reads leave the buffer alone or zero it. Every request takes {@code latency}. */
    record NullDrive(
            String nodeName, long sizeBytes, boolean readZeroes, Duration latency, boolean readOnly, Emulation emulation,
            Origin origin)
            implements DriveConfig {
        public static final long SIZE_BYTES = 1L << 30;

        public NullDrive(
                String nodeName, long sizeBytes, boolean readZeroes, Duration latency, boolean readOnly, Origin origin) {
            this(nodeName, sizeBytes, readZeroes, latency, readOnly, Emulation.NONE, origin);
        }

        public static NullDrive of(String nodeName, long sizeBytes) {
            return new NullDrive(nodeName, sizeBytes, false, Duration.ZERO, false, Origin.PROGRAM);
        }

        @Override
        public String driver() {
            return "null-co";
        }
    }

    /** In the host's memory, zeroes at first, gone at the end. */
    record RamDrive(String nodeName, long sizeBytes, boolean readOnly, Emulation emulation, Origin origin)
            implements DriveConfig {
        public RamDrive(String nodeName, long sizeBytes, boolean readOnly, Origin origin) {
            this(nodeName, sizeBytes, readOnly, Emulation.NONE, origin);
        }

        public static RamDrive of(String nodeName, long sizeBytes) {
            return new RamDrive(nodeName, sizeBytes, false, Origin.PROGRAM);
        }

        @Override
        public String driver() {
            return "ram";
        }
    }
}
