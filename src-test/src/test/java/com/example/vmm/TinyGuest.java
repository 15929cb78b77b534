package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * A guest of a few hundred bytes, without paging or interrupts: it finds a disk, sets up a queue, writes a pattern to
 * each of some blocks, reads them back, and says on the serial port how it went. Before that it may misbehave.
 */
final class TinyGuest implements Program {
    /** What it does before it does it right. */
    enum Manners {
        GOOD,
        /** Enables a queue that is outside memory: the device needs a reset, which it then gets. */
        QUEUE_OUTSIDE_MEMORY,
        /** Makes more buffers available than the queue has. */
        RING_OVERRUN,
        /** Writes to every register, and to every byte behind them. */
        SCRIBBLE,
        /** Runs something that is no code, with nobody to handle the fault. */
        CRASH
    }

    private static final int CODE = 0x10000;
    private static final int STACK = 0x9000;
    private static final int DESCRIPTORS = 0x20000;
    private static final int AVAIL = 0x21000;
    private static final int USED = 0x22000;
    private static final int HEADER = 0x23000;
    private static final int STATUS_BYTE = 0x23100;
    private static final int BLOCK = 0x24000;
    private static final int BLOCK_BYTES = 4096;
    private static final int NUMBER = 0x25000;
    private static final int WANTED = 0x25004;
    private static final int BLOCKS = 64;
    private static final int QUEUE_SIZE = 16;

    private static final int MAGIC_VALUE = 0x000;
    private static final int DEVICE_ID = 0x008;
    private static final int DRIVER_FEATURES = 0x020;
    private static final int DRIVER_FEATURES_SEL = 0x024;
    private static final int QUEUE_SEL = 0x030;
    private static final int QUEUE_NUM = 0x038;
    private static final int QUEUE_READY = 0x044;
    private static final int QUEUE_NOTIFY = 0x050;
    private static final int STATUS = 0x070;
    private static final int QUEUE_DESC = 0x080;
    private static final int QUEUE_DRIVER = 0x090;
    private static final int QUEUE_DEVICE = 0x0A0;
    private static final int WINDOW_BYTES = 0x1000;

    private static final int VIRT = 0x74726976;
    private static final int BLOCK_DEVICE = 2;
    private static final int DRIVER = 3;
    private static final int DRIVER_OK = 4;
    private static final int FEATURES_OK = 8;
    private static final int NEEDS_RESET = 64;
    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int IN = 0;
    private static final int OUT = 1;

    private static final int FACTOR = 0x01000193;
    private static final int POISON = 0xDEADBEEF;

    private final Assembler code = new Assembler(CODE);
    private int labels;

    TinyGuest(Manners manners) {
        findDisk();
        switch (manners) {
            case GOOD -> { }
            case QUEUE_OUTSIDE_MEMORY -> {
                setUp(0x7FFF0000);
                awaitNeedsReset();
            }
            case RING_OVERRUN -> {
                setUp(DESCRIPTORS);
                code.storeWord(AVAIL + 2, QUEUE_SIZE + 1).storeAtEbx(QUEUE_NOTIFY, 0);
                awaitNeedsReset();
            }
            case SCRIBBLE -> scribble();
            case CRASH -> {
                say("crashing\n");
                code.undefined();
            }
        }
        code.store(AVAIL, 0).store(USED, 0);
        setUp(DESCRIPTORS);
        code.loadEaxAtEbx(STATUS).cmpEax(DRIVER | FEATURES_OK | DRIVER_OK).jne("broken");
        forEachBlock(OUT, () -> forEachWord(() -> code.storeEaxAtEbx(0)));
        forEachBlock(IN, () -> forEachWord(() -> code.cmpEaxAtEbx(0).jne("wrong")));
        say("verified " + BLOCKS + " blocks\n");
        powerOff();
        code.label("wrong");
        say("wrong data\n");
        powerOff();
        code.label("broken");
        say("the device does not work\n");
        powerOff();
        subroutine();
    }

    @Override
    public void load(Ram ram, AcpiTables acpi, Registers registers) {
        ram.low().asSlice(CODE).copyFrom(MemorySegment.ofArray(code.assemble()));
        ram.low().set(JAVA_BYTE, 0, (byte) 0);
        registers.protectedMode(0x8, 0x10);
        registers.rsp(STACK);
        registers.rip(CODE);
    }

    /** EBX becomes its window; the others of the machine may be empty. */
    private void findDisk() {
        code.movEbx((int) Board.DISKS).label("probe")
                .loadEaxAtEbx(MAGIC_VALUE).cmpEax(VIRT).jne("next")
                .loadEaxAtEbx(DEVICE_ID).cmpEax(BLOCK_DEVICE).je("found")
                .label("next").addEbx(WINDOW_BYTES).cmpEbx((int) Board.disk(Board.DISKS_MAX)).jne("probe").jmp("broken")
                .label("found");
    }

    /** From reset to DRIVER_OK (virtio 1.3, 3.1.1), with VERSION_1 and nothing else. */
    private void setUp(int descriptors) {
        code.storeAtEbx(STATUS, 0).storeAtEbx(STATUS, DRIVER)
                .storeAtEbx(DRIVER_FEATURES_SEL, 0).storeAtEbx(DRIVER_FEATURES, 0)
                .storeAtEbx(DRIVER_FEATURES_SEL, 1).storeAtEbx(DRIVER_FEATURES, 1)
                .storeAtEbx(STATUS, DRIVER | FEATURES_OK)
                .storeAtEbx(QUEUE_SEL, 0).storeAtEbx(QUEUE_NUM, QUEUE_SIZE)
                .storeAtEbx(QUEUE_DESC, descriptors).storeAtEbx(QUEUE_DRIVER, AVAIL).storeAtEbx(QUEUE_DEVICE, USED)
                .storeAtEbx(QUEUE_READY, 1)
                .storeAtEbx(STATUS, DRIVER | FEATURES_OK | DRIVER_OK);
    }

    private void awaitNeedsReset() {
        String again = newLabel();
        code.label(again).pause().loadEaxAtEbx(STATUS).andEax(NEEDS_RESET).cmpEax(NEEDS_RESET).jne(again);
        say("needs reset\n");
    }

    /** Every word of the window three times, the notifications among them. */
    private void scribble() {
        String again = newLabel();
        for (int value : new int[] {0xFFFFFFFF, 0x5A5A5A5A, 1}) {
            for (int register = 0; register < 0x140; register += 4) code.storeAtEbx(register, value).loadEaxAtEbx(register);
        }
        code.label(again);
        say("scribbled\n");
    }

    /** The block's number is in memory, so that any register may be used meanwhile. */
    private void forEachBlock(int type, Runnable fillOrCheck) {
        String next = newLabel();
        code.store(NUMBER, 0).label(next);
        if (type == OUT) fillOrCheck.run();
        else poison();
        code.store(HEADER, type).store(HEADER + 4, 0).store(HEADER + 12, 0)
                .loadEax(NUMBER).shlEax(3).storeEax(HEADER + 8)
                .storeWord(DESCRIPTORS + 28, NEXT | (type == IN ? WRITE : 0))
                .call("request");
        if (type == IN) fillOrCheck.run();
        code.increment(NUMBER).loadEax(NUMBER).cmpEax(BLOCKS).jne(next);
    }

    /** With EBX at each word of the block, and in EAX what belongs there. */
    private void forEachWord(Runnable body) {
        String next = newLabel();
        code.movEbx(BLOCK).label(next).loadEax(NUMBER).mixEax(FACTOR);
        body.run();
        code.addEbx(4).cmpEbx(BLOCK + BLOCK_BYTES).jne(next);
    }

    private void poison() {
        String next = newLabel();
        code.movEbx(BLOCK).label(next).storeAtEbx(0, POISON).addEbx(4).cmpEbx(BLOCK + BLOCK_BYTES).jne(next);
    }

    /** One request of header, block and status, kicked and waited for. There is one disk, and it is the first. */
    private void subroutine() {
        code.label("request").movEbx((int) Board.DISKS);
        descriptor(0, HEADER, 16, NEXT, 1);
        code.store(DESCRIPTORS + 16, BLOCK).store(DESCRIPTORS + 20, 0).store(DESCRIPTORS + 24, BLOCK_BYTES)
                .storeWord(DESCRIPTORS + 30, 2);
        descriptor(2, STATUS_BYTE, 1, WRITE, 0);
        // The ring is 16 entries of zero: the chain always begins at descriptor 0.
        code.store(STATUS_BYTE, 0xFF).incrementWord(AVAIL + 2).storeAtEbx(QUEUE_NOTIFY, 0)
                .loadEaxWord(AVAIL + 2).storeEax(WANTED)
                .label("wait").pause().loadEaxWord(USED + 2).cmpEaxWithMemory(WANTED).jne("wait")
                .loadEaxByte(STATUS_BYTE).cmpEax(0).jne("broken")
                .ret();
    }

    private void descriptor(int index, int gpa, int lengthBytes, int flags, int next) {
        int at = DESCRIPTORS + 16 * index;
        code.store(at, gpa).store(at + 4, 0).store(at + 8, lengthBytes).storeWord(at + 12, flags).storeWord(at + 14, next);
    }

    private void say(String text) {
        text.chars().forEach(c -> code.outByte(Board.PORT_SERIAL, c));
    }

    private void powerOff() {
        code.outWord(Board.PORT_PM1_CONTROL, 1 << 13 | Power.SLEEP_TYPE_OFF << 10);
        String forever = newLabel();
        code.label(forever).pause().jmp(forever);
    }

    private String newLabel() {
        return "l" + labels++;
    }
}
