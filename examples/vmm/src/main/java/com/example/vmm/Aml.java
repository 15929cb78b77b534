package com.example.vmm;

/** ACPI's machine language (ACPI 6.5, chapter 20), as much of it as describes our devices. */
final class Aml {
    private static final int NAME = 0x08;
    private static final int BYTE = 0x0A;
    private static final int DWORD = 0x0C;
    private static final int STRING = 0x0D;
    private static final int SCOPE = 0x10;
    private static final int BUFFER = 0x11;
    private static final int PACKAGE = 0x12;
    private static final int EXTENDED = 0x5B;
    private static final int DEVICE = 0x82;

    private static final int MEMORY_32_FIXED = 0x86;
    private static final int EXTENDED_INTERRUPT = 0x89;
    private static final int END_TAG = 0x79;
    private static final int READ_WRITE = 1;
    private static final int CONSUMER_EDGE_HIGH_EXCLUSIVE = 0b0011;

    private Aml() {}

    /** @param name with a backslash, or of four characters */
    static byte[] scope(String name, byte[]... terms) {
        return new Bytes().u8(SCOPE).bytes(sized(joined(new Bytes().text(name), terms))).toArray();
    }

    static byte[] device(String name, byte[]... terms) {
        return new Bytes().u8(EXTENDED, DEVICE).bytes(sized(joined(new Bytes().text(name), terms))).toArray();
    }

    static byte[] name(String name, byte[] value) {
        return new Bytes().u8(NAME).text(name).bytes(value).toArray();
    }

    static byte[] string(String value) {
        return new Bytes().u8(STRING).text(value).u8(0).toArray();
    }

    static byte[] integer(int value) {
        return new Bytes().u8(BYTE, value).toArray();
    }

    static byte[] packageOf(byte[]... elements) {
        return new Bytes().u8(PACKAGE).bytes(sized(joined(new Bytes().u8(elements.length), elements))).toArray();
    }

    /** A buffer of resource descriptors (6.4): a window of registers, and an interrupt that is an edge. */
    static byte[] memoryAndInterrupt(long gpa, int lengthBytes, int gsi) {
        byte[] resources = new Bytes()
                .u8(MEMORY_32_FIXED).u16(9).u8(READ_WRITE).u32(gpa).u32(lengthBytes)
                .u8(EXTENDED_INTERRUPT).u16(6).u8(CONSUMER_EDGE_HIGH_EXCLUSIVE, 1).u32(gsi)
                .u8(END_TAG, 0).toArray();
        byte[] size = new Bytes().u8(DWORD).u32(resources.length).toArray();
        return new Bytes().u8(BUFFER).bytes(sized(joined(new Bytes(), size, resources))).toArray();
    }

    private static byte[] joined(Bytes first, byte[]... terms) {
        for (byte[] term : terms) first.bytes(term);
        return first.toArray();
    }

    /** PkgLength (20.2.4), which counts itself: two bytes of it, whose first has 4 bits of the length and how many follow. */
    private static byte[] sized(byte[] content) {
        int length = content.length + 2;
        if (length >= 1 << 12) throw new AssertionError("more AML than PkgLength of two bytes can say: " + length);
        return new Bytes().u8(1 << 6 | length & 0xF, length >> 4).bytes(content).toArray();
    }
}
