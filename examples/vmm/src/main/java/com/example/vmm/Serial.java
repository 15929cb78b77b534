package com.example.vmm;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/** A 16550A: what the guest sends comes out at once, what we type waits until it is read. Thread: any. */
final class Serial {
    private static final int DATA = 0;
    private static final int INTERRUPT_ENABLE = 1;
    private static final int INTERRUPT_ID_AND_FIFO = 2;
    private static final int LINE_CONTROL = 3;
    private static final int MODEM_CONTROL = 4;
    private static final int LINE_STATUS = 5;
    private static final int MODEM_STATUS = 6;

    private static final int ENABLE_RECEIVED = 1;
    private static final int ENABLE_EMPTY = 2;
    private static final int ID_NONE = 1;
    private static final int ID_EMPTY = 2;
    private static final int ID_RECEIVED = 4;
    private static final int ID_FIFO = 0xC0;
    private static final int DIVISOR_LATCH = 0x80;
    private static final int LOOPBACK = 0x10;
    private static final int DATA_READY = 1;
    private static final int TRANSMITTER_EMPTY = 0x60;
    private static final int CARRIER_READY_CLEAR = 0xB0;
    private static final int FIFO_ENABLED = 1;

    /** Nobody types as fast; whoever pastes waits for {@link #hasRoom}. */
    private static final int RECEIVED_MAX = 4096;

    private final OutputStream out;
    private final Consumer<Boolean> interruptLine;
    private final ArrayDeque<Byte> received = new ArrayDeque<>();
    private final int[] registers = new int[8];
    private int divisor;
    private boolean emptyPending;
    private boolean raised;

    Serial(OutputStream out, Consumer<Boolean> interruptLine) {
        this.out = out;
        this.interruptLine = interruptLine;
    }

    synchronized int read(int register) {
        boolean divisorLatch = (registers[LINE_CONTROL] & DIVISOR_LATCH) != 0;
        int value = switch (register) {
            case DATA -> divisorLatch ? divisor & 0xFF : received.isEmpty() ? 0 : Byte.toUnsignedInt(received.remove());
            case INTERRUPT_ENABLE -> divisorLatch ? divisor >> 8 : registers[INTERRUPT_ENABLE];
            case INTERRUPT_ID_AND_FIFO -> identify();
            case LINE_STATUS -> TRANSMITTER_EMPTY | (received.isEmpty() ? 0 : DATA_READY);
            // Looped back, the control lines are the status lines: this is how a driver finds the chip.
            case MODEM_STATUS -> (registers[MODEM_CONTROL] & LOOPBACK) == 0 ? CARRIER_READY_CLEAR
                    : (registers[MODEM_CONTROL] & 0xC) << 4
                            | (registers[MODEM_CONTROL] & 1) << 5
                            | (registers[MODEM_CONTROL] & 2) << 3;
            default -> registers[register];
        };
        updateLine();
        notifyAll();
        return value;
    }

    synchronized void write(int register, int value) {
        boolean divisorLatch = (registers[LINE_CONTROL] & DIVISOR_LATCH) != 0;
        if (register == DATA && divisorLatch) {
            divisor = divisor & 0xFF00 | value;
        } else if (register == INTERRUPT_ENABLE && divisorLatch) {
            divisor = divisor & 0xFF | value << 8;
        } else if (register == DATA) {
            transmit(value);
        } else if (register != LINE_STATUS && register != MODEM_STATUS) {
            registers[register] = value;
            if (register == INTERRUPT_ENABLE) emptyPending = (value & ENABLE_EMPTY) != 0;
        }
        updateLine();
    }

    /** For a thread that has what was typed: waits while the guest reads nothing. */
    synchronized void receive(byte value) throws InterruptedException {
        while (received.size() >= RECEIVED_MAX) wait();
        received.add(value);
        updateLine();
    }

    private void transmit(int value) {
        if ((registers[MODEM_CONTROL] & LOOPBACK) != 0) {
            received.add((byte) value);
            return;
        }
        try {
            out.write(value);
            out.flush();
        } catch (IOException e) {
            // Whoever listened has gone; the guest goes on.
        }
        emptyPending = true;
    }

    private int identify() {
        int fifo = (registers[INTERRUPT_ID_AND_FIFO] & FIFO_ENABLED) != 0 ? ID_FIFO : 0;
        if (receivedPending()) return fifo | ID_RECEIVED;
        if (!emptyPending || (registers[INTERRUPT_ENABLE] & ENABLE_EMPTY) == 0) return fifo | ID_NONE;
        emptyPending = false;
        return fifo | ID_EMPTY;
    }

    private boolean receivedPending() {
        return !received.isEmpty() && (registers[INTERRUPT_ENABLE] & ENABLE_RECEIVED) != 0;
    }

    private void updateLine() {
        boolean high = receivedPending() || emptyPending && (registers[INTERRUPT_ENABLE] & ENABLE_EMPTY) != 0;
        if (high == raised) return;
        raised = high;
        interruptLine.accept(high);
    }

    /** The registers, for a snapshot; what was typed and not read is lost. */
    synchronized byte[] save() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream data = new DataOutputStream(bytes)) {
            for (int register : registers) data.writeByte(register);
            data.writeShort(divisor);
            data.writeBoolean(emptyPending);
            data.writeBoolean(raised);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    synchronized void load(DataInputStream data) throws IOException {
        for (int i = 0; i < registers.length; i++) registers[i] = data.readUnsignedByte();
        divisor = data.readUnsignedShort();
        emptyPending = data.readBoolean();
        raised = data.readBoolean();
    }
}
