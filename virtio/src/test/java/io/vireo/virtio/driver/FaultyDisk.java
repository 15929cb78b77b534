package io.vireo.virtio.driver;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** A disk in an array that makes one kind of mistake, seldom and at seeded moments. */
final class FaultyDisk implements BytewiseDevice.Disk {
    enum Fault {
        NONE, CORRUPT_READ, CORRUPT_WRITE, LOST_WRITE, MISDIRECTED_WRITE, MISDIRECTED_READ, STALE_READ, TORN_WRITE,
        SHORT_READ, LOST_ZEROES, SWAPPED_SECTORS, OTHER_ID, DROPPED_REQUEST, WRITE_ERROR, DISCARD_UNSUPPORTED
    }

    private static final int EVERY = 60;
    /** More often: much of what is to be zeroed is zero already. */
    private static final int EVERY_ZEROES = 4;

    private final byte[] bytes;
    private final byte[] old;
    private final Fault fault;
    private final Random random;
    int faults;
    volatile long served;
    volatile long reads;

    FaultyDisk(int sectors, Fault fault, long seed) {
        bytes = new byte[sectors * 512];
        old = new byte[bytes.length];
        this.fault = fault;
        random = new Random(seed);
        random.nextBytes(bytes);
    }

    @Override
    public int serve(int type, long sector, byte[] out, byte[] in) {
        served = served + 1;
        if (type == 0) reads = reads + 1;
        boolean now = random.nextInt(fault == Fault.LOST_ZEROES ? EVERY_ZEROES : EVERY) == 0;
        if (now && fault == Fault.DROPPED_REQUEST && faults == 0) {
            faults++;
            return DROP;
        }
        return switch (type) {
            case 0 -> read((int) sector * 512, in, now);
            case 1 -> write((int) sector * 512, out, now);
            case 4 -> sector == 0 ? 0 : 1;
            case 8 -> id(in, now);
            case 11, 13 -> range(type, out, now);
            default -> 2;
        };
    }

    private int read(int at, byte[] in, boolean now) {
        System.arraycopy(bytes, Math.min(at, bytes.length - in.length), in, 0, in.length);
        if (!now) return 0;
        faults++;
        switch (fault) {
            case CORRUPT_READ -> in[random.nextInt(in.length)] ^= (byte) (1 << random.nextInt(8));
            case MISDIRECTED_READ -> System.arraycopy(bytes, at == 0 ? 512 : at - 512, in, 0, in.length - 512 * (at == 0 ? 1 : 0));
            case STALE_READ -> System.arraycopy(old, at, in, 0, in.length);
            case SHORT_READ -> Arrays.fill(in, in.length - 1 - random.nextInt(511), in.length, (byte) 0xA5);
            default -> faults--;
        }
        return 0;
    }

    private int write(int at, byte[] out, boolean now) {
        int target = at;
        int length = out.length;
        if (now) {
            faults++;
            switch (fault) {
                case CORRUPT_WRITE -> out[random.nextInt(length)] ^= 0x10;
                case LOST_WRITE -> length = 0;
                case TORN_WRITE -> length -= 1 + random.nextInt(511);
                case MISDIRECTED_WRITE -> target = at == 0 ? 512 : at - 512;
                case SWAPPED_SECTORS -> {
                    byte[] first = Arrays.copyOf(out, 512);
                    System.arraycopy(out, length - 512, out, 0, 512);
                    System.arraycopy(first, 0, out, length - 512, 512);
                    if (length == 512) faults--;
                }
                default -> faults--;
            }
        }
        length = Math.min(length, bytes.length - target);
        System.arraycopy(bytes, target, old, target, length);
        System.arraycopy(out, 0, bytes, target, length);
        if (now && fault == Fault.WRITE_ERROR) {
            faults++;
            Arrays.fill(bytes, target, target + length, (byte) 0x55);
            return 1;
        }
        return 0;
    }

    private int range(int type, byte[] out, boolean now) {
        if (type == 11 && fault == Fault.DISCARD_UNSUPPORTED) {
            faults++;
            return 2;
        }
        int at = (int) BytewiseDevice.little(out, 0, 8) * 512;
        int length = (int) BytewiseDevice.little(out, 8, 4) * 512;
        if (now && type == 13 && fault == Fault.LOST_ZEROES) faults++;
        // A discarded range may read as anything.
        else Arrays.fill(bytes, at, at + length, (byte) (type == 11 ? 0x33 : 0));
        return 0;
    }

    private int id(byte[] in, boolean now) {
        Arrays.fill(in, (byte) 0);
        byte[] serial = "bytewise".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(serial, 0, in, 0, serial.length);
        if (fault == Fault.OTHER_ID && random.nextInt(4) == 0) {
            faults++;
            in[3]++;
        }
        return 0;
    }
}
