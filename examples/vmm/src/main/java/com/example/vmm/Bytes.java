package com.example.vmm;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Little-endian bytes, one after the other. */
final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Bytes u8(int... values) {
        for (int value : values) out.write(value);
        return this;
    }

    Bytes u16(int value) {
        return u8(value, value >> 8);
    }

    Bytes u32(long value) {
        return u16((int) value).u16((int) (value >> 16));
    }

    Bytes u64(long value) {
        return u32(value).u32(value >> 32);
    }

    Bytes text(String ascii) {
        return bytes(ascii.getBytes(StandardCharsets.US_ASCII));
    }

    Bytes bytes(byte[] more) {
        out.writeBytes(more);
        return this;
    }

    Bytes zeroesUpTo(int size) {
        return bytes(new byte[size - out.size()]);
    }

    int size() {
        return out.size();
    }

    byte[] toArray() {
        return out.toByteArray();
    }
}
