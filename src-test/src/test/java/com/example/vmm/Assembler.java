package com.example.vmm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** 32-bit x86, as few instructions as {@link TinyGuest} needs. Memory operands are addresses, or EBX and a displacement. */
final class Assembler {
    private record Jump(int at, String label) {}

    private final int origin;
    private final Bytes code = new Bytes();
    private final Map<String, Integer> labels = new HashMap<>();
    private final List<Jump> jumps = new ArrayList<>();

    Assembler(int origin) {
        this.origin = origin;
    }

    Assembler label(String name) {
        labels.put(name, code.size());
        return this;
    }

    Assembler movEax(int value) {
        code.u8(0xB8).u32(value);
        return this;
    }

    Assembler movEbx(int value) {
        code.u8(0xBB).u32(value);
        return this;
    }

    Assembler addEbx(int value) {
        code.u8(0x81, 0xC3).u32(value);
        return this;
    }

    Assembler cmpEbx(int value) {
        code.u8(0x81, 0xFB).u32(value);
        return this;
    }

    Assembler loadEax(int address) {
        code.u8(0xA1).u32(address);
        return this;
    }

    Assembler storeEax(int address) {
        code.u8(0xA3).u32(address);
        return this;
    }

    Assembler loadEaxWord(int address) {
        code.u8(0x0F, 0xB7, 0x05).u32(address);
        return this;
    }

    Assembler loadEaxByte(int address) {
        code.u8(0x0F, 0xB6, 0x05).u32(address);
        return this;
    }

    Assembler store(int address, int value) {
        code.u8(0xC7, 0x05).u32(address).u32(value);
        return this;
    }

    Assembler storeWord(int address, int value) {
        code.u8(0x66, 0xC7, 0x05).u32(address).u16(value);
        return this;
    }

    Assembler incrementWord(int address) {
        code.u8(0x66, 0xFF, 0x05).u32(address);
        return this;
    }

    Assembler increment(int address) {
        code.u8(0xFF, 0x05).u32(address);
        return this;
    }

    Assembler loadEaxAtEbx(int displacement) {
        code.u8(0x8B, 0x83).u32(displacement);
        return this;
    }

    Assembler storeEaxAtEbx(int displacement) {
        code.u8(0x89, 0x83).u32(displacement);
        return this;
    }

    Assembler storeAtEbx(int displacement, int value) {
        code.u8(0xC7, 0x83).u32(displacement).u32(value);
        return this;
    }

    Assembler cmpEaxAtEbx(int displacement) {
        code.u8(0x3B, 0x83).u32(displacement);
        return this;
    }

    Assembler cmpEax(int value) {
        code.u8(0x3D).u32(value);
        return this;
    }

    Assembler cmpEaxWithMemory(int address) {
        code.u8(0x3B, 0x05).u32(address);
        return this;
    }

    Assembler andEax(int value) {
        code.u8(0x25).u32(value);
        return this;
    }

    Assembler shlEax(int bits) {
        code.u8(0xC1, 0xE0, bits);
        return this;
    }

    /** EAX times a constant, plus EBX: what differs for each place and each round. */
    Assembler mixEax(int factor) {
        code.u8(0x69, 0xC0).u32(factor).u8(0x01, 0xD8);
        return this;
    }

    Assembler jmp(String label) {
        code.u8(0xE9);
        return jumpTo(label);
    }

    Assembler je(String label) {
        code.u8(0x0F, 0x84);
        return jumpTo(label);
    }

    Assembler jne(String label) {
        code.u8(0x0F, 0x85);
        return jumpTo(label);
    }

    Assembler call(String label) {
        code.u8(0xE8);
        return jumpTo(label);
    }

    Assembler ret() {
        code.u8(0xC3);
        return this;
    }

    Assembler pause() {
        code.u8(0xF3, 0x90);
        return this;
    }

    /** An instruction that is none. */
    Assembler undefined() {
        code.u8(0x0F, 0x0B);
        return this;
    }

    Assembler outByte(int port, int value) {
        code.u8(0xBA).u32(port).u8(0xB0, value, 0xEE);
        return this;
    }

    Assembler outWord(int port, int value) {
        code.u8(0xBA).u32(port).u8(0xB8).u32(value).u8(0x66, 0xEF);
        return this;
    }

    private Assembler jumpTo(String label) {
        jumps.add(new Jump(code.size(), label));
        code.u32(0);
        return this;
    }

    byte[] assemble() {
        byte[] bytes = code.toArray();
        for (Jump jump : jumps) {
            int distance = labels.get(jump.label()) - (jump.at() + Integer.BYTES);
            for (int i = 0; i < Integer.BYTES; i++) bytes[jump.at() + i] = (byte) (distance >> 8 * i);
        }
        return bytes;
    }

    int origin() {
        return origin;
    }
}
