package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The terminal, if stdin is one: handed to the guest key by key, and given back as it was found. */
final class Terminal implements AutoCloseable {
    private static final int STDIN = 0;
    /** struct termios: four words of flags, a byte, and control characters. */
    private static final int TERMIOS_BYTES = 60;

    private static final int INPUT_FLAGS = 0;
    private static final int LOCAL_FLAGS = 12;
    private static final int CONTROL_CHARACTERS = 17;
    private static final int VTIME = 5;
    private static final int VMIN = 6;
    /** BRKINT, ISTRIP, INLCR, IGNCR, ICRNL, IXON: what would change or keep what is typed. */
    private static final int COOKED_INPUT = 0x2 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
    /** ISIG, ICANON, ECHO, IEXTEN: Ctrl-C is the guest's too. Output stays cooked, for our own lines. */
    private static final int COOKED_LOCAL = 0x1 | 0x2 | 0x8 | 0x8000;

    private final MemorySegment found;

    private Terminal(MemorySegment found) {
        this.found = found;
    }

    static Terminal raw() {
        MemorySegment found = Arena.global().allocate(TERMIOS_BYTES, 4);
        Terminal terminal = new Terminal(Libc.getTerminal(STDIN, found) ? found : null);
        if (terminal.found == null) return terminal;
        MemorySegment raw = Arena.global().allocate(TERMIOS_BYTES, 4).copyFrom(found);
        raw.set(JAVA_INT, INPUT_FLAGS, raw.get(JAVA_INT, INPUT_FLAGS) & ~COOKED_INPUT);
        raw.set(JAVA_INT, LOCAL_FLAGS, raw.get(JAVA_INT, LOCAL_FLAGS) & ~COOKED_LOCAL);
        raw.set(JAVA_BYTE, CONTROL_CHARACTERS + VTIME, (byte) 0);
        raw.set(JAVA_BYTE, CONTROL_CHARACTERS + VMIN, (byte) 1);
        Libc.setTerminal(STDIN, raw);
        return terminal;
    }

    boolean isPresent() {
        return found != null;
    }

    @Override
    public void close() {
        if (found != null) Libc.setTerminal(STDIN, found);
    }
}
